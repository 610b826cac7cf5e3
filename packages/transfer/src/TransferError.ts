/**
 * How a transfer can fail, and what is left of it then.
 *
 * A transfer that does not complete ends in one of three ways. {@link TransferSuspended}: the Upload goes on where it was when
 * the same transfer is run again, because a journal knows of it. {@link UploadLeftPending}: it could not be cancelled, and stays
 * until it expires. Any other error: nothing is left; the Upload was never created, or is cancelled, expired or completed, as
 * the error says.
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
 * No byte of a part was taken for the stall timeout, in every attempt.
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
    return `No byte was taken for ${Duration.format(this.after)}`
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
 * Why a transfer cannot go on.
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
  JournalFailed
)

/**
 * @since 0.1.0
 * @category errors
 */
export type TransferFailure = typeof TransferFailure.Type

const left = {
  uploadId: UploadId,
  /** When the Upload ends by itself. */
  expiresAt: Timestamp,
  /** Why the transfer ended. */
  failure: TransferFailure
}

/**
 * The transfer ended for a reason that may pass, and a journal knows how far it was: run it again before `expiresAt`.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransferSuspended
  extends Schema.TaggedError<TransferSuspended>("@effect-uploads/transfer/TransferSuspended")(
    "TransferSuspended",
    left
  )
{
  override get message(): string {
    return `The transfer can go on until ${DateTime.formatIso(this.expiresAt)}: ${this.failure.message}`
  }
}

/**
 * The transfer failed, and so did cancelling its Upload: it stays pending until `expiresAt`.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadLeftPending
  extends Schema.TaggedError<UploadLeftPending>("@effect-uploads/transfer/UploadLeftPending")(
    "UploadLeftPending",
    {
      ...left,
      /** Why the Upload could not be cancelled. */
      cancelFailure: Schema.Union(InvalidRequest, UploadNotFound, RequestTimeout, ...ServiceError.members)
    }
  )
{
  override get message(): string {
    const when = DateTime.formatIso(this.expiresAt)
    return `${this.failure.message}. Upload ${this.uploadId} is left pending until ${when}: ${this.cancelFailure.message}`
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
