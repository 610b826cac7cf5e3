import type { ErrorEnvelope } from "@effect-uploads/http/ErrorEnvelope"
import type { ApiError } from "@effect-uploads/http/ErrorMapping"
import { toReply } from "@effect-uploads/http/ErrorMapping"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"

/** The envelope of the API for a request that no operation receives. */
export const envelopeOf = (message: string, code: string | null = null): typeof ErrorEnvelope.Encoded => ({
  error: { message, type: "invalid_request_error", param: null, code }
})

/** An error response of the server itself, with the envelope of the API. */
export const rejection = (
  status: 400 | 403 | 417,
  { code, message }: { readonly message: string; readonly code: string }
): HttpServerResponse.HttpServerResponse => HttpServerResponse.unsafeJson(envelopeOf(message, code), { status })

/** The error response for an error, outside of the API. */
export const fromError = (error: ApiError): HttpServerResponse.HttpServerResponse => {
  const { envelope, headers, status } = toReply(error)
  return HttpServerResponse.unsafeJson(envelope, { status, headers })
}
