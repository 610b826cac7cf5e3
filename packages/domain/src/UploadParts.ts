/**
 * What a service decides about the parts of a pending Upload: how many bytes it still takes, and the File that the listed
 * parts make.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import type * as Option from "effect/Option"
import { ByteSize } from "./ByteSize.js"
import * as ExpiresAfter from "./ExpiresAfter.js"
import { FileObject } from "./FileObject.js"
import type { FileId, PartId } from "./Ids.js"
import type { Pending } from "./Upload.js"
import { BytesMismatch, PartNotFound, PartTooLarge, UploadSizeExceeded } from "./UploadError.js"
import type { Limits } from "./UploadLimits.js"
import type { UploadPart } from "./UploadPart.js"

/**
 * A part as a service holds it.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoredPart {
  readonly part: UploadPart
  readonly bytes: number
}

/**
 * The bytes that parts have together.
 *
 * @since 0.1.0
 * @category getters
 */
export const total = (parts: ReadonlyArray<StoredPart>): ByteSize =>
  ByteSize.make(parts.reduce((sum, { bytes }) => sum + bytes, 0))

/**
 * The bytes that the Upload holds with one part more.
 *
 * @since 0.1.0
 * @category guards
 */
export const checkFits = (
  upload: Pending,
  held: ByteSize,
  bytes: ByteSize
): Either.Either<ByteSize, UploadSizeExceeded> => {
  const received = ByteSize.make(held + bytes)
  return received > upload.bytes
    ? Either.left(new UploadSizeExceeded({ uploadId: upload.id, declared: upload.bytes, received }))
    : Either.right(received)
}

/**
 * Why a part is refused that has more bytes than the Upload has room for, or than a part may have: known while it is still
 * being read.
 *
 * @since 0.1.0
 * @category errors
 */
export const overflowError = (upload: Pending, held: ByteSize, limits: Limits): PartTooLarge | UploadSizeExceeded =>
  upload.bytes - held < limits.partBytes
    ? new UploadSizeExceeded({ uploadId: upload.id, declared: upload.bytes })
    : new PartTooLarge({ uploadId: upload.id, limit: limits.partBytes })

/**
 * The listed parts in their order, if they are the Upload's and add up to the bytes that it declared. A part may be listed
 * more than once.
 *
 * @since 0.1.0
 * @category guards
 */
export const orderParts = <Part extends StoredPart>(
  upload: Pending,
  parts: ReadonlyArray<Part>,
  partIds: ReadonlyArray<PartId>
): Either.Either<ReadonlyArray<Part>, PartNotFound | BytesMismatch> => {
  const byId = new Map(parts.map((held) => [held.part.id, held]))
  return Either.all(
    partIds.map((partId) =>
      Either.fromNullable(byId.get(partId), () => new PartNotFound({ uploadId: upload.id, partId }))
    )
  ).pipe(
    Either.filterOrLeft(
      (listed) => total(listed) === upload.bytes,
      (listed): PartNotFound | BytesMismatch =>
        new BytesMismatch({ uploadId: upload.id, declared: upload.bytes, received: total(listed) })
    )
  )
}

/**
 * The File of a completed Upload.
 *
 * @since 0.1.0
 * @category constructors
 */
export const toFile = (
  upload: Pending,
  options: { readonly id: FileId; readonly expiresAfter: Option.Option<ExpiresAfter.ExpiresAfter> }
): FileObject =>
  new FileObject({
    id: options.id,
    bytes: upload.bytes,
    createdAt: upload.createdAt,
    expiresAt: ExpiresAfter.expiresAt(options.expiresAfter, upload.createdAt),
    filename: upload.filename,
    purpose: upload.purpose,
    status: "processed"
  })
