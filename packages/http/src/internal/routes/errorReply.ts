import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { ErrorEnvelope, Status } from "../../ErrorEnvelope.js"
import type { ApiError } from "../../ErrorMapping.js"
import { toReply } from "../../ErrorMapping.js"

/** An error response for a fault of the request itself, which is no error of a service. */
export const errorReply = (
  status: Status,
  { code = null, headers = {}, message, param = null }: {
    readonly message: string
    readonly code?: string | null
    readonly param?: string | null
    readonly headers?: Readonly<Record<string, string>>
  }
): HttpServerResponse.HttpServerResponse => {
  const envelope: typeof ErrorEnvelope.Encoded = { error: { message, type: "invalid_request_error", param, code } }
  return HttpServerResponse.unsafeJson(envelope, { status, headers })
}

/** The error response of a service's error. A client decodes it to the same error. */
export const fromError = (error: ApiError): HttpServerResponse.HttpServerResponse => {
  const { envelope, headers, status } = toReply(error)
  return HttpServerResponse.unsafeJson(envelope, { status, headers })
}

/** Responds to a service's error with its error response. */
export const withErrorReplies = <A, R>(
  effect: Effect.Effect<A, ApiError, R>
): Effect.Effect<A | HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.catchAll(effect, (error) => Effect.succeed(fromError(error)))
