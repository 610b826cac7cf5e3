import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DomainError } from "../../ErrorEnvelope.js"
import type { Bounds } from "../../FileRange.js"
import { slice } from "../../FileRange.js"
import { RequestTimeout } from "../../ServiceError.js"
import type { Attempts, RequestError } from "./attempts.js"
import type { ErrorRules } from "./errorRules.js"
import { countDownload } from "./metrics.js"
import * as rangeResponse from "./rangeResponse.js"
import { bytesOf, readAheadAtEnd } from "./responseBody.js"

/** Sends one request, with retries until a response begins, and streams the requested range of the body. */
export type Download = <E extends DomainError>(operation: {
  readonly name: string
  readonly request: Effect.Effect<HttpClientRequest.HttpClientRequest, InvalidRequest>
  readonly range: Either.Either<Bounds, InvalidRequest>
  readonly errorRules: ErrorRules<E>
}) => Stream.Stream<Uint8Array, E | RequestError>

export const makeDownload =
  ({ compressed, executeScoped, failWith, redact, retryTransient, timed, timeout, unexpected }: Attempts): Download =>
  ({ errorRules, name, range, request }) => {
    const attempt = Effect.gen(function*() {
      const bounds = yield* range
      const response = yield* executeScoped(rangeResponse.withRange(yield* request, bounds))
      const located = rangeResponse.locate(response, bounds)
      if (Option.isNone(located)) return yield* failWith(errorRules, response)
      const { headers, status } = response
      const malformed = compressed(response, "content")
      if (Option.isSome(malformed)) return yield* malformed.value
      const malformedBecause = (problem: string) => unexpected({ status, headers, body: "" }, problem)
      const { bytes, within } = yield* Either.mapLeft(located.value, malformedBecause)
      return { response, within, withLength: rangeResponse.withLength(bytes, malformedBecause) }
    })
    return attempt.pipe(
      timed,
      keepOpenOnSuccess,
      retryTransient,
      Effect.map(({ response, within, withLength }) =>
        bytesOf(response, redact).pipe(
          Stream.timeoutFail(() => new RequestTimeout({ after: timeout }), timeout),
          readAheadAtEnd(response),
          withLength,
          slice(within)
        )
      ),
      Stream.unwrapScoped,
      countDownload(name)
    )
  }

/** Keeps the connection of a successful attempt open until the outer scope closes, and closes that of a failed one at once. */
const keepOpenOnSuccess = <A, E>(attempt: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const own = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
      return yield* Effect.onError(restore(Scope.extend(attempt, own)), (cause) =>
        Scope.close(own, Exit.failCause(cause)))
    })
  )
