/**
 * The body of an error response.
 *
 * @since 0.1.0
 */
import { FileNotFound } from "@effect-uploads/domain/FileError"
import { UploadError } from "@effect-uploads/domain/UploadError"
import * as Schema from "effect/Schema"

/**
 * The errors whose tag and fields are part of the error response.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DomainError = Schema.Union(...UploadError.members, FileNotFound)

/**
 * @since 0.1.0
 * @category models
 */
export type DomainError = typeof DomainError.Type

/**
 * The documented body of an error response, `{ error: { message, type, param, code } }`, with one key of our own: `details`
 * has the domain error, and only our own client reads it.
 *
 * @since 0.1.0
 * @category models
 */
export class ErrorEnvelope extends Schema.Class<ErrorEnvelope>("@effect-uploads/http/ErrorEnvelope")(
  {
    error: Schema.Struct({
      message: Schema.String,
      type: Schema.String,
      param: Schema.NullOr(Schema.String),
      code: Schema.NullOr(Schema.String),
      details: Schema.optionalWith(DomainError, { exact: true })
    })
  },
  { identifier: "ErrorEnvelope" }
) {}

/**
 * The statuses of the error responses that the routes send.
 *
 * @since 0.1.0
 * @category models
 */
export type Status = 400 | 401 | 403 | 404 | 405 | 412 | 413 | 415 | 416 | 429 | 502 | 503 | 504
