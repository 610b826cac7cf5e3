/**
 * The errors of the source of a transfer.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** The path of the source, or its file name if it has no path. */
const name = Schema.String

/**
 * The source has no bytes. An Upload has at least one part.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceEmpty extends Schema.TaggedError<SourceEmpty>("@effect-uploads/transfer/SourceEmpty")(
  "SourceEmpty",
  { name }
) {
  override get message(): string {
    return `${this.name} is empty: an Upload needs at least one byte`
  }
}

/**
 * The source has more bytes than an Upload can hold.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceTooLarge extends Schema.TaggedError<SourceTooLarge>("@effect-uploads/transfer/SourceTooLarge")(
  "SourceTooLarge",
  {
    name,
    /** Absent for a source of unknown length, which is not read beyond the limit. */
    bytes: Schema.optionalWith(ByteSize, { exact: true }),
    /** The limit of an Upload, or of memory for a stream of unknown length without a `FileSystem`. In bytes. */
    limit: ByteSize
  }
) {
  override get message(): string {
    return this.bytes === undefined
      ? `${this.name} has more than ${this.limit} bytes`
      : `${this.name} has ${this.bytes} bytes, and the limit is ${this.limit}`
  }
}

/**
 * There is no file at the path, or it was deleted during the transfer.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceNotFound extends Schema.TaggedError<SourceNotFound>("@effect-uploads/transfer/SourceNotFound")(
  "SourceNotFound",
  { name }
) {
  override get message(): string {
    return `${this.name} does not exist`
  }
}

/**
 * The path is that of a directory, a device or something else that is not a file.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceNotAFile extends Schema.TaggedError<SourceNotAFile>("@effect-uploads/transfer/SourceNotAFile")(
  "SourceNotAFile",
  { name, type: Schema.String }
) {
  override get message(): string {
    return `${this.name} is not a file but of type ${this.type}`
  }
}

/**
 * The source exists, but could not be read.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceUnreadable extends Schema.TaggedError<SourceUnreadable>("@effect-uploads/transfer/SourceUnreadable")(
  "SourceUnreadable",
  { name, cause: Schema.Defect }
) {
  override get message(): string {
    return `${this.name} could not be read: ${Predicate.isError(this.cause) ? this.cause.message : String(this.cause)}`
  }
}

/**
 * The source changed after the transfer began, so the parts that were sent belong to different contents.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceChanged extends Schema.TaggedError<SourceChanged>("@effect-uploads/transfer/SourceChanged")(
  "SourceChanged",
  {
    name,
    /**
     * The first property that was found to differ. The change time differs after any write, also after one that restores the
     * modification time, and after a change of the permissions or of the name.
     */
    difference: Schema.Literal("size", "modification time", "change time", "content")
  }
) {
  override get message(): string {
    return `The ${this.difference} of ${this.name} changed during the transfer`
  }
}

/**
 * A stream has more or fewer bytes than were declared.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceLengthMismatch
  extends Schema.TaggedError<SourceLengthMismatch>("@effect-uploads/transfer/SourceLengthMismatch")(
    "SourceLengthMismatch",
    {
      name,
      /** The number of bytes in the options. */
      declared: Schema.Number,
      /** The number of bytes that were read when the difference was found. */
      actual: Schema.Number
    }
  )
{
  override get message(): string {
    return `${this.name} was declared to have ${this.declared} bytes, but ${this.actual} were read`
  }
}

/**
 * @since 0.1.0
 * @category schemas
 */
export const SourceError = Schema.Union(
  SourceEmpty,
  SourceTooLarge,
  SourceNotFound,
  SourceNotAFile,
  SourceUnreadable,
  SourceChanged,
  SourceLengthMismatch
)

/**
 * @since 0.1.0
 * @category errors
 */
export type SourceError = typeof SourceError.Type
