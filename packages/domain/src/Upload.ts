/**
 * An Upload, its states and the transitions between them.
 *
 * ```text
 *            ┌── complete ──▶ Completed (has its File)
 *  create    │
 * ────────▶ Pending ── cancel ──▶ Cancelled
 *            │
 *            └── expiresAt ─▶ Expired
 * ```
 *
 * Each state is a class. The field `status` discriminates them. A transition accepts only the state that it leaves, so
 * `cancel` of a `Completed` does not compile.
 *
 * A pending Upload is expired from `expiresAt` on, even if the service last reported it as pending. {@link at} gives the
 * Upload as of a moment.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ByteSize } from "./ByteSize.js"
import type * as CreateUpload from "./CreateUpload.js"
import { FileObject } from "./FileObject.js"
import { FilePurpose } from "./FilePurpose.js"
import { UploadId } from "./Ids.js"
import * as wire from "./internal/wire.js"
import { fromEpochMillis, Timestamp } from "./Timestamp.js"
import type { UploadNotPending } from "./UploadError.js"
import { UploadAlreadyCancelled, UploadAlreadyCompleted, UploadExpired, UploadNotFound } from "./UploadError.js"

/** The schemas of the fields that every state has. */
const commonSchemas = {
  id: UploadId,
  object: wire.objectTag("upload"),
  /** The size that the Upload was created with. The parts that it has received may be fewer bytes. */
  bytes: ByteSize,
  createdAt: Schema.propertySignature(Timestamp).pipe(Schema.fromKey("created_at")),
  expiresAt: Schema.propertySignature(Timestamp).pipe(Schema.fromKey("expires_at")),
  filename: Schema.String,
  purpose: FilePurpose
}

/**
 * Accepts parts until it is completed or cancelled, or until it expires.
 *
 * @since 0.1.0
 * @category models
 */
export class Pending extends Schema.Class<Pending>("@effect-uploads/domain/Upload/Pending")(
  { ...commonSchemas, status: wire.status("pending") },
  { identifier: "PendingUpload" }
) {}

/**
 * The parts have become a File.
 *
 * @since 0.1.0
 * @category models
 */
export class Completed extends Schema.Class<Completed>("@effect-uploads/domain/Upload/Completed")(
  {
    ...commonSchemas,
    status: wire.status("completed"),
    // The API documents `file` as nullable. Decoding rejects a completed Upload without its File, with the path `file`.
    file: Schema.optionalToRequired(
      Schema.NullOr(FileObject),
      Schema.NullOr(Schema.typeSchema(FileObject)).pipe(
        Schema.filter((file): file is FileObject => file !== null, { description: "the File of a completed Upload" })
      ),
      { decode: Option.getOrNull, encode: Option.some }
    )
  },
  { identifier: "CompletedUpload" }
) {}

/**
 * The Upload was cancelled, and its parts no longer exist.
 *
 * @since 0.1.0
 * @category models
 */
export class Cancelled extends Schema.Class<Cancelled>("@effect-uploads/domain/Upload/Cancelled")(
  { ...commonSchemas, status: wire.status("cancelled") },
  { identifier: "CancelledUpload" }
) {}

/**
 * The Upload was not completed before `expiresAt`.
 *
 * @since 0.1.0
 * @category models
 */
export class Expired extends Schema.Class<Expired>("@effect-uploads/domain/Upload/Expired")(
  { ...commonSchemas, status: wire.status("expired") },
  { identifier: "ExpiredUpload" }
) {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const Upload = Schema.Union(Pending, Completed, Cancelled, Expired).annotations({
  identifier: "Upload",
  description: "The Upload object can accept byte chunks in the form of Parts"
})

/**
 * @since 0.1.0
 * @category models
 */
export type Upload = typeof Upload.Type

/**
 * @since 0.1.0
 * @category guards
 */
export const isUpload = (u: unknown): u is Upload => Schema.is(Upload)(u)

/**
 * A new pending Upload. It expires at `createdAt` plus `lifetime`, cut to the whole second.
 *
 * @example
 * ```ts
 * import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
 * import { UploadId } from "@effect-uploads/domain/Ids"
 * import * as Timestamp from "@effect-uploads/domain/Timestamp"
 * import * as Upload from "@effect-uploads/domain/Upload"
 * import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
 * import * as Either from "effect/Either"
 *
 * const limits = UploadLimits.documented
 *
 * export const pending = Either.map(
 *   CreateUpload.validate({ filename: "a.txt", purpose: "user_data", bytes: 12, mimeType: "text/plain" }, limits),
 *   (request) =>
 *     Upload.create(request, {
 *       id: UploadId.make("upload_1"),
 *       createdAt: Timestamp.fromEpochMillis(1_757_400_000_000),
 *       lifetime: limits.uploadLifetime
 *     })
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const create = (
  request: CreateUpload.Validated,
  options: {
    readonly id: UploadId
    readonly createdAt: Timestamp
    readonly lifetime: Duration.Duration
  }
): Pending =>
  new Pending({
    id: options.id,
    bytes: request.bytes,
    createdAt: options.createdAt,
    expiresAt: fromEpochMillis(options.createdAt.epochMillis + Duration.toMillis(options.lifetime)),
    filename: request.filename,
    purpose: request.purpose
  })

/** The fields that a transition copies unchanged. */
const commonFields = ({ bytes, createdAt, expiresAt, filename, id, purpose }: Pending) => ({
  id,
  bytes,
  createdAt,
  expiresAt,
  filename,
  purpose
})

/**
 * The completed Upload, with its File.
 *
 * @since 0.1.0
 * @category transitions
 */
export const complete: {
  (file: FileObject): (self: Pending) => Completed
  (self: Pending, file: FileObject): Completed
} = dual(2, (self: Pending, file: FileObject): Completed => new Completed({ ...commonFields(self), file }))

/**
 * The cancelled Upload.
 *
 * @example
 * ```ts
 * import * as Upload from "@effect-uploads/domain/Upload"
 * import type * as DateTime from "effect/DateTime"
 * import * as Either from "effect/Either"
 *
 * export const cancelAt = (upload: Upload.Upload, now: DateTime.DateTime) =>
 *   Either.map(Upload.ensurePending(upload, now), Upload.cancel)
 * ```
 *
 * @since 0.1.0
 * @category transitions
 */
export const cancel = (self: Pending): Cancelled => new Cancelled(commonFields(self))

/**
 * The expired Upload. {@link at} decides when this applies.
 *
 * @since 0.1.0
 * @category transitions
 */
export const expire = (self: Pending): Expired => new Expired(commonFields(self))

/**
 * The Upload as of a moment. A pending Upload is expired from `expiresAt` on. Any other state stays as it is.
 *
 * @since 0.1.0
 * @category transitions
 */
export const at: {
  (now: DateTime.DateTime): (self: Upload) => Upload
  (self: Upload, now: DateTime.DateTime): Upload
} = dual(
  2,
  (self: Upload, now: DateTime.DateTime): Upload =>
    self.status === "pending" && DateTime.lessThanOrEqualTo(self.expiresAt, now) ? expire(self) : self
)

/**
 * The Upload if it is still pending at the moment, else the error that names the reason.
 *
 * @since 0.1.0
 * @category guards
 */
export const ensurePending: {
  (now: DateTime.DateTime): (self: Upload) => Either.Either<Pending, UploadNotPending>
  (self: Upload, now: DateTime.DateTime): Either.Either<Pending, UploadNotPending>
} = dual(2, (self: Upload, now: DateTime.DateTime): Either.Either<Pending, UploadNotPending> => {
  const current = at(self, now)
  switch (current.status) {
    case "pending":
      return Either.right(current)
    case "completed":
      return Either.left(new UploadAlreadyCompleted({ uploadId: current.id, fileId: current.file.id }))
    case "cancelled":
      return Either.left(new UploadAlreadyCancelled({ uploadId: current.id }))
    case "expired":
      return Either.left(new UploadExpired({ uploadId: current.id, expiredAt: current.expiresAt }))
  }
})

/**
 * Narrows a stored Upload to a pending one. Fails if the Upload does not exist, or is no longer pending at `now`.
 *
 * @since 0.1.0
 * @category guards
 */
export const findPending = <Stored extends { readonly upload: Upload }>(
  stored: Option.Option<Stored>,
  uploadId: UploadId,
  now: DateTime.DateTime
): Either.Either<Stored & { readonly upload: Pending }, UploadNotFound | UploadNotPending> =>
  Either.fromOption(stored, () => new UploadNotFound({ uploadId })).pipe(
    Either.flatMap((stored) => Either.map(ensurePending(stored.upload, now), (upload) => ({ ...stored, upload })))
  )
