/**
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const optionalText = Schema.optionalWith(Schema.String, { exact: true })

/**
 * The error response of a service. A typed error keeps it, so that no information of the service is lost.
 *
 * @since 0.1.0
 * @category models
 */
export class ErrorResponse extends Schema.Class<ErrorResponse>("@effect-uploads/domain/ErrorResponse")({
  /** The HTTP status. */
  status: Schema.Int,
  /** The header `x-request-id`, which the support of the service asks for. */
  requestId: optionalText,
  /** The header `x-should-retry`: whether the service says that the request should be sent again. */
  shouldRetry: Schema.optionalWith(Schema.Boolean, { exact: true }),
  message: optionalText,
  type: optionalText,
  code: optionalText,
  param: optionalText,
  /** The beginning of a body that does not have the documented form. */
  excerpt: optionalText
}, { identifier: "ErrorResponse", description: "The error response of a service" }) {
  /** The status, the code and the request id, as text for an error message. */
  get origin(): string {
    return [
      `status ${this.status}`,
      ...(this.code === undefined ? [] : [`code ${this.code}`]),
      ...(this.requestId === undefined ? [] : [`request ${this.requestId}`])
    ].join(", ")
  }
}

/**
 * An error message that ends with the origin of the response and, if it differs, with the message of the service.
 *
 * @example
 * ```ts
 * import { ErrorResponse, formatMessage } from "@effect-uploads/domain/ErrorResponse"
 *
 * const response = new ErrorResponse({ status: 404, message: "No such Upload" })
 *
 * export const message = formatMessage("Upload upload_1 was not found", response)
 * // Upload upload_1 was not found (status 404: No such Upload)
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const formatMessage = (message: string, response: ErrorResponse | undefined): string => {
  if (response === undefined) return message
  const serviceMessage = response.message ?? response.excerpt ?? message
  return serviceMessage === message
    ? `${message} (${response.origin})`
    : `${message} (${response.origin}: ${serviceMessage})`
}
