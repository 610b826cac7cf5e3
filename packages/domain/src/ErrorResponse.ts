/**
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const text = Schema.optionalWith(Schema.String, { exact: true })

/**
 * What a service said when it refused: kept beside the typed reason, so that nothing it told is lost.
 *
 * @since 0.1.0
 * @category models
 */
export class ErrorResponse extends Schema.Class<ErrorResponse>("@effect-uploads/domain/ErrorResponse")({
  /** The HTTP status. */
  status: Schema.Int,
  /** `x-request-id`: what the service's support asks for. */
  requestId: text,
  message: text,
  type: text,
  code: text,
  param: text,
  /** The beginning of a body that was not the documented envelope. */
  excerpt: text
}, { identifier: "Refusal", description: "What a service said when it refused" }) {
  /** Where it comes from: the status, the code and the request id. */
  get origin(): string {
    return [
      `status ${this.status}`,
      ...(this.code === undefined ? [] : [`code ${this.code}`]),
      ...(this.requestId === undefined ? [] : [`request ${this.requestId}`])
    ].join(", ")
  }
}

/**
 * The words of an error, with what the service said where it said something else.
 *
 * @since 0.1.0
 * @category combinators
 */
export const explain = (words: string, response: ErrorResponse | undefined): string => {
  if (response === undefined) return words
  const said = response.message ?? response.excerpt ?? words
  return said === words ? `${words} (${response.origin})` : `${words} (${response.origin}: ${said})`
}
