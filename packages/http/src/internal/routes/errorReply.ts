import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { ErrorEnvelope, Status } from "../../ErrorEnvelope.js"

/** The documented envelope for what is wrong with the request itself, and no error of a service. */
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
