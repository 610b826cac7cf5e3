/**
 * The rules of a service for the parts of a pending Upload: how many bytes may still be added, and which File the listed
 * parts become.
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
import { BytesMismatch, InvalidRequest, PartNotFound, PartTooLarge, UploadSizeExceeded } from "./UploadError.js"
import type { Limits } from "./UploadLimits.js"
import type { UploadPart } from "./UploadPart.js"

/**
 * A part that a service has stored, with its size.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoredPart {
  readonly part: UploadPart
  readonly bytes: number
}

/**
 * The sum of the sizes of the parts, in bytes.
 *
 * @since 0.1.0
 * @category getters
 */
export const total = (parts: ReadonlyArray<StoredPart>): ByteSize =>
  ByteSize.make(parts.reduce((sum, { bytes }) => sum + bytes, 0))

/**
 * The number of bytes that a service stores for a pending Upload, at most: the declared size twice, but no more than
 * `uploadBytes`, and `surplusParts` parts of the maximum size on top.
 *
 * The declared size alone is no bound. The documentation lets a client "add Parts until you hit the Upload maximum", and
 * compares the declared size with the listed parts at completion.
 *
 * @see https://platform.openai.com/docs/api-reference/uploads/add-part
 *
 * @since 0.1.0
 * @category getters
 */
export const maximumReceivedBytes = (upload: Pending, limits: Limits): ByteSize =>
  ByteSize.make(
    Math.min(
      Math.min(2 * upload.bytes, limits.uploadBytes) + limits.surplusParts * limits.partBytes,
      Number.MAX_SAFE_INTEGER
    )
  )

/**
 * Checks that a part of `bytes` fits into the Upload, and returns the new number of received bytes.
 *
 * @since 0.1.0
 * @category guards
 */
export const checkFits = (
  upload: Pending,
  receivedBytes: ByteSize,
  bytes: ByteSize,
  limits: Limits
): Either.Either<ByteSize, UploadSizeExceeded> => {
  const limit = maximumReceivedBytes(upload, limits)
  const received = ByteSize.make(receivedBytes + bytes)
  return received > limit
    ? Either.left(new UploadSizeExceeded({ uploadId: upload.id, declared: upload.bytes, limit, received }))
    : Either.right(received)
}

/**
 * The size that the next part may have, in bytes, and the error for a part that exceeds it. A service can raise the error
 * while the part is still being read.
 *
 * @since 0.1.0
 * @category getters
 */
export const nextPartLimit = (
  upload: Pending,
  receivedBytes: ByteSize,
  limits: Limits
): { readonly bytes: number; readonly error: () => PartTooLarge | UploadSizeExceeded } => {
  const limit = maximumReceivedBytes(upload, limits)
  const rest = limit - receivedBytes
  return rest < limits.partBytes
    ? { bytes: rest, error: () => new UploadSizeExceeded({ uploadId: upload.id, declared: upload.bytes, limit }) }
    : { bytes: limits.partBytes, error: () => new PartTooLarge({ uploadId: upload.id, limit: limits.partBytes }) }
}

/**
 * Checks that the Upload may have one more part than the `parts` that it has.
 *
 * @since 0.1.0
 * @category guards
 */
export const checkCount = (parts: number, limits: Limits): Either.Either<void, InvalidRequest> =>
  parts < limits.parts
    ? Either.void
    : Either.left(
      new InvalidRequest({
        field: "data",
        problem: `the Upload has ${parts} parts already`,
        limit: `a part of an Upload with at most ${limits.parts} parts`
      })
    )

/**
 * The stored parts in the order of `partIds`. Fails if a part does not belong to the Upload, or if the sizes do not add up to
 * the declared size. `CompleteUpload.validate` has rejected a part that is listed twice.
 *
 * @since 0.1.0
 * @category guards
 */
export const orderParts = <Part extends StoredPart>(
  upload: Pending,
  parts: ReadonlyArray<Part>,
  partIds: ReadonlyArray<PartId>
): Either.Either<ReadonlyArray<Part>, PartNotFound | BytesMismatch> => {
  const byId = new Map(parts.map((stored) => [stored.part.id, stored]))
  const listed: Array<Part> = []
  let received = 0
  for (const partId of partIds) {
    const stored = byId.get(partId)
    if (stored === undefined) return Either.left(new PartNotFound({ uploadId: upload.id, partId }))
    listed.push(stored)
    received += stored.bytes
  }
  return received === upload.bytes
    ? Either.right(listed)
    : Either.left(
      new BytesMismatch({ uploadId: upload.id, declared: upload.bytes, received: ByteSize.make(received) })
    )
}

/**
 * The File that a pending Upload becomes. It has the creation time of the Upload.
 *
 * @example
 * ```ts
 * import { FileId } from "@effect-uploads/domain/Ids"
 * import * as Upload from "@effect-uploads/domain/Upload"
 * import * as UploadParts from "@effect-uploads/domain/UploadParts"
 * import * as Option from "effect/Option"
 *
 * export const complete = (pending: Upload.Pending) =>
 *   Upload.complete(pending, UploadParts.toFile(pending, { id: FileId.make("file-1"), expiresAfter: Option.none() }))
 * ```
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
