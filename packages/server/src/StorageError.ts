/**
 * Failures of the database and of the part storage.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/**
 * The reason of a failure. An operator handles each in another way:
 *
 * - `Full`: no space left on the device, or a quota used up
 * - `ReadOnly`: the folder or database cannot be written
 * - `Locked`: another process holds the database
 * - `Corrupt`: the stored bytes differ from the written ones, or the file is not a database
 * - `Missing`: the file of a recorded part, or the database file, does not exist
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
 * The database or the part storage failed. A caller of the API sees `ServiceUnavailable`; the log has the details.
 *
 * @since 0.1.0
 * @category errors
 */
export class StorageError extends Schema.TaggedError<StorageError>("@effect-uploads/server/StorageError")(
  "StorageError",
  {
    store: Schema.Literal("database", "parts"),
    reason: Reason,
    /** The operation that failed, for example `UploadRepository.createUpload`. */
    operation: Schema.String,
    cause: Schema.optionalWith(Schema.Defect, { exact: true })
  }
) {
  override get message(): string {
    const cause = Predicate.isError(this.cause) ? `: ${this.cause.message}` : ""
    return `${this.operation} failed (${this.store}, ${this.reason})${cause}`
  }
}
