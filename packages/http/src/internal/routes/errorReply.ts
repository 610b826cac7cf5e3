import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
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

/** The routes reject a request, and have its error response already. */
export class RequestRejected extends Data.TaggedError("RequestRejected")<{
  readonly response: HttpServerResponse.HttpServerResponse
}> {}

/** The error response of an error. A client decodes a service's error to the same error. */
export const fromError = (error: ApiError | RequestRejected): HttpServerResponse.HttpServerResponse => {
  if (error._tag === "RequestRejected") return error.response
  const { envelope, headers, status } = toReply(error)
  return HttpServerResponse.unsafeJson(envelope, { status, headers })
}

/** Responds to an error with its error response. */
export const withErrorReplies = <A, R>(
  effect: Effect.Effect<A, ApiError | RequestRejected, R>
): Effect.Effect<A | HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.catchAll(effect, (error) => Effect.succeed(fromError(error)))
