/**
 * What can be wrong with what is to be sent.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** A path, or the file name of a source that has none. */
const name = Schema.String

/**
 * There is nothing to send: an Upload of no bytes has no parts.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceEmpty extends Schema.TaggedError<SourceEmpty>("@effect-uploads/transfer/SourceEmpty")(
  "SourceEmpty",
  { name }
) {
  override get message(): string {
    return `${this.name} is empty: there is nothing to send`
  }
}

/**
 * More bytes than an Upload can hold.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceTooLarge extends Schema.TaggedError<SourceTooLarge>("@effect-uploads/transfer/SourceTooLarge")(
  "SourceTooLarge",
  { name, bytes: ByteSize, limit: ByteSize }
) {
  override get message(): string {
    return `${this.name} has ${this.bytes} bytes; an Upload holds at most ${this.limit}`
  }
}

/**
 * There is nothing at the path, or no longer.
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
 * What is at the path is a directory, a device or the like.
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
 * The source exists, and reading it failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceUnreadable extends Schema.TaggedError<SourceUnreadable>("@effect-uploads/transfer/SourceUnreadable")(
  "SourceUnreadable",
  { name, cause: Schema.Defect }
) {
  override get message(): string {
    return `${this.name} cannot be read: ${Predicate.isError(this.cause) ? this.cause.message : String(this.cause)}`
  }
}

/**
 * The source is not what it was when the transfer began: what was sent of it is no longer it.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceChanged extends Schema.TaggedError<SourceChanged>("@effect-uploads/transfer/SourceChanged")(
  "SourceChanged",
  {
    name,
    /** What differs: its size, its modification time, or its content. */
    difference: Schema.Literal("size", "modification time", "content")
  }
) {
  override get message(): string {
    return `The ${this.difference} of ${this.name} changed while it was sent`
  }
}

/**
 * A stream has more or fewer bytes than it was said to have.
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceLengthMismatch
  extends Schema.TaggedError<SourceLengthMismatch>("@effect-uploads/transfer/SourceLengthMismatch")(
    "SourceLengthMismatch",
    {
      name,
      /** The bytes that were announced. */
      declared: Schema.Number,
      /** The bytes that came until the difference was seen. */
      actual: Schema.Number
    }
  )
{
  override get message(): string {
    return `${this.name} was said to have ${this.declared} bytes, and ${this.actual} came`
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
