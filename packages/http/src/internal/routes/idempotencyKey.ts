import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as IdempotencyKey from "../../IdempotencyKey.js"

/** Runs the call of a request with the key that the request came with. Without the header the call has no key. */
export const withRequestKey =
  ({ headers }: HttpServerRequest.HttpServerRequest) =>
  <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E | InvalidRequest, R> => {
    const key = headers[IdempotencyKey.header]
    if (key === undefined) return call
    return Either.match(IdempotencyKey.validate(key), {
      onLeft: (error) => Effect.fail(error),
      onRight: (key) => IdempotencyKey.withKey(call, key)
    })
  }
