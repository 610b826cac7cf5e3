import type { ErrorEnvelope } from "@effect-uploads/http/ErrorEnvelope"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"

/** An error response of the server itself, with the envelope of the API. */
export const rejection = (
  status: 400 | 403 | 404,
  { code = null, message }: { readonly message: string; readonly code?: string | null }
): HttpServerResponse.HttpServerResponse => {
  const envelope: typeof ErrorEnvelope.Encoded = {
    error: { message, type: "invalid_request_error", param: null, code }
  }
  return HttpServerResponse.unsafeJson(envelope, { status })
}
