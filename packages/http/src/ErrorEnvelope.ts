/**
 * How an error stands on the wire.
 *
 * @since 0.1.0
 */
import { FileNotFound } from "@effect-uploads/domain/FileError"
import { UploadError } from "@effect-uploads/domain/UploadError"
import * as Schema from "effect/Schema"

/**
 * The errors that cross the wire whole: with their tag and their own fields.
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
 * The documented body of an error, `{ error: { message, type, param, code } }`, and one key of ours in it: `details`, the
 * domain error, which only our own client reads.
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
 * The statuses with which the routes answer an error.
 *
 * @since 0.1.0
 * @category models
 */
export type Status = 400 | 401 | 403 | 404 | 412 | 413 | 416 | 429 | 502 | 503 | 504
