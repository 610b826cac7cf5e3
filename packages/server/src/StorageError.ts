/**
 * What can go wrong below the service: in the database, or with the files of the parts.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/**
 * Why, as far as an operator acts differently:
 *
 * - `Full`: no space left on the device, or a quota used up
 * - `ReadOnly`: the folder or database cannot be written
 * - `Locked`: another process holds the database
 * - `Corrupt`: what is stored is not what was written
 * - `Missing`: what should be stored is not there
 * - `Failed`: anything else, see `cause`
 *
 * @since 0.1.0
 * @category schemas
 */
export const Reason = Schema.Literal("Full", "ReadOnly", "Locked", "Corrupt", "Missing", "Failed")

/**
 * @since 0.1.0
 * @category models
 */
export type Reason = typeof Reason.Type

/**
 * The database or the part storage failed. To a caller of the API it is `ServiceUnavailable`; the operator finds it in the
 * log.
 *
 * @since 0.1.0
 * @category errors
 */
export class StorageError extends Schema.TaggedError<StorageError>("@effect-uploads/server/StorageError")(
  "StorageError",
  {
    store: Schema.Literal("database", "parts"),
    reason: Reason,
    /** What was tried, such as `UploadRepository.create`. */
    operation: Schema.String,
    cause: Schema.optionalWith(Schema.Defect, { exact: true })
  }
) {
  override get message(): string {
    const cause = Predicate.isError(this.cause) ? `: ${this.cause.message}` : ""
    return `${this.operation} failed (${this.store}, ${this.reason})${cause}`
  }
}
