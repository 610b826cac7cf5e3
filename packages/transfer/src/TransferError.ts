/**
 * The errors of a transfer, and what is left of its Upload.
 *
 * | Error | The Upload |
 * | --- | --- |
 * | {@link TransferSuspended} | is pending. The same transfer resumes it from the journal. |
 * | {@link UploadLeftPending} | is pending until it expires, because it could not be cancelled. |
 * | `UploadAlreadyCompleted` | is completed, but its File was not found. |
 * | any other | does not exist, or is cancelled or expired. |
 *
 * @since 0.1.0
 */
import { UploadId } from "@effect-uploads/domain/Ids"
import { Timestamp } from "@effect-uploads/domain/Timestamp"
import {
  BytesMismatch,
  ChecksumMismatch,
  InvalidRequest,
  PartNotFound,
  PartTooLarge,
  UploadAlreadyCancelled,
  UploadAlreadyCompleted,
  UploadExpired,
  UploadNotFound,
  UploadSizeExceeded
} from "@effect-uploads/domain/UploadError"
import { PartLengthMismatch, PartUnreadable } from "@effect-uploads/http/PartData"
import { RequestTimeout, ServiceError } from "@effect-uploads/http/ServiceError"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { SourceError } from "./SourceError.js"

/**
 * In every attempt to send a part, the connection took no byte for the stall timeout.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransferStalled extends Schema.TaggedError<TransferStalled>("@effect-uploads/transfer/TransferStalled")(
  "TransferStalled",
  {
    /** The stall timeout. */
    after: Schema.DurationFromMillis
  }
) {
  override get message(): string {
    return `The connection took no byte for ${Duration.format(this.after)}`
  }
}

/**
 * The journal could not be read or written.
 *
 * @since 0.1.0
 * @category errors
 */
export class JournalFailed extends Schema.TaggedError<JournalFailed>("@effect-uploads/transfer/JournalFailed")(
  "JournalFailed",
  { cause: Schema.Defect }
) {
  override get message(): string {
    return `The journal of the transfer failed: ${String(this.cause)}`
  }
}

/**
 * Another run of the same transfer is in progress, in this process or another one: the same path, file name and purpose with
 * the same journal. This run changed nothing.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransferInProgress
  extends Schema.TaggedError<TransferInProgress>("@effect-uploads/transfer/TransferInProgress")(
    "TransferInProgress",
    {
      /** The path of the file. */
      name: Schema.String
    }
  )
{
  override get message(): string {
    return `Another transfer of ${this.name} with the same journal is in progress`
  }
}

/**
 * The reasons for which a transfer cannot continue.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TransferFailure = Schema.Union(
  ...SourceError.members,
  InvalidRequest,
  UploadNotFound,
  UploadAlreadyCompleted,
  UploadAlreadyCancelled,
  UploadExpired,
  PartTooLarge,
  UploadSizeExceeded,
  PartUnreadable,
  PartLengthMismatch,
  PartNotFound,
  BytesMismatch,
  ChecksumMismatch,
  ...ServiceError.members,
  TransferStalled,
  JournalFailed,
  TransferInProgress
)

/**
 * @since 0.1.0
 * @category errors
 */
export type TransferFailure = typeof TransferFailure.Type

const pending = {
  uploadId: UploadId,
  /** When the Upload expires. */
  expiresAt: Timestamp,
  /** Why the transfer ended. */
  failure: TransferFailure
}

/**
 * The transfer failed for a transient reason, and the journal has its state. Run it again before `expiresAt` to resume it.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransferSuspended
  extends Schema.TaggedError<TransferSuspended>("@effect-uploads/transfer/TransferSuspended")(
    "TransferSuspended",
    pending
  )
{
  override get message(): string {
    return `The transfer can be resumed until ${DateTime.formatIso(this.expiresAt)}: ${this.failure.message}`
  }
}

/**
 * The transfer failed, and its Upload could not be cancelled. The Upload is pending until `expiresAt`.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadLeftPending
  extends Schema.TaggedError<UploadLeftPending>("@effect-uploads/transfer/UploadLeftPending")(
    "UploadLeftPending",
    {
      ...pending,
      /** Why the Upload could not be cancelled. */
      cancelFailure: Schema.Union(InvalidRequest, UploadNotFound, RequestTimeout, ...ServiceError.members)
    }
  )
{
  override get message(): string {
    const when = DateTime.formatIso(this.expiresAt)
    return `${this.failure.message}. Upload ${this.uploadId} is pending until ${when}: ${this.cancelFailure.message}`
  }
}

/**
 * @since 0.1.0
 * @category schemas
 */
export const TransferError = Schema.Union(...TransferFailure.members, TransferSuspended, UploadLeftPending)

/**
 * @since 0.1.0
 * @category errors
 */
export type TransferError = typeof TransferError.Type
