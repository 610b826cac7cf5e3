/**
 * An Upload and its life.
 *
 * ```text
 *            ┌── complete ──▶ Completed (has its File)
 *  create    │
 * ────────▶ Pending ── cancel ──▶ Cancelled
 *            │
 *            └── expiresAt ─▶ Expired
 * ```
 *
 * Each state is a class of its own, told apart by `status`, and a transition takes the state that it leaves: cancelling
 * a `Completed` does not compile. A pending Upload at or past `expiresAt` *is* expired, whatever a service last said of
 * it: ask {@link at}.
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
import { UploadAlreadyCancelled, UploadAlreadyCompleted, UploadExpired } from "./UploadError.js"

/** What an Upload has in every state. */
const common = {
  id: UploadId,
  object: wire.objectTag("upload"),
  /** The bytes that the Upload declared, not those that it holds. */
  bytes: ByteSize,
  createdAt: Schema.propertySignature(Timestamp).pipe(Schema.fromKey("created_at")),
  expiresAt: Schema.propertySignature(Timestamp).pipe(Schema.fromKey("expires_at")),
  filename: Schema.String,
  purpose: FilePurpose
}

/**
 * Takes parts, until it is completed, cancelled or expires.
 *
 * @since 0.1.0
 * @category models
 */
export class Pending extends Schema.Class<Pending>("@effect-uploads/domain/Upload/Pending")(
  { ...common, status: wire.status("pending") },
  { identifier: "PendingUpload" }
) {}

/**
 * Its parts have become a File.
 *
 * @since 0.1.0
 * @category models
 */
export class Completed extends Schema.Class<Completed>("@effect-uploads/domain/Upload/Completed")(
  {
    ...common,
    status: wire.status("completed"),
    // Documented as nullable; a completed Upload without its File is refused, and the error points here.
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
 * Given up: its parts are gone.
 *
 * @since 0.1.0
 * @category models
 */
export class Cancelled extends Schema.Class<Cancelled>("@effect-uploads/domain/Upload/Cancelled")(
  { ...common, status: wire.status("cancelled") },
  { identifier: "CancelledUpload" }
) {}

/**
 * Was not completed in time.
 *
 * @since 0.1.0
 * @category models
 */
export class Expired extends Schema.Class<Expired>("@effect-uploads/domain/Upload/Expired")(
  { ...common, status: wire.status("expired") },
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
 * A new Upload that expires when its lifetime has passed, cut to the whole second.
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

/** The fields that a transition leaves as they are. */
const kept = ({ bytes, createdAt, expiresAt, filename, id, purpose }: Pending) => ({
  id,
  bytes,
  createdAt,
  expiresAt,
  filename,
  purpose
})

/**
 * @since 0.1.0
 * @category transitions
 */
export const complete: {
  (file: FileObject): (self: Pending) => Completed
  (self: Pending, file: FileObject): Completed
} = dual(2, (self: Pending, file: FileObject): Completed => new Completed({ ...kept(self), file }))

/**
 * @since 0.1.0
 * @category transitions
 */
export const cancel = (self: Pending): Cancelled => new Cancelled(kept(self))

/**
 * @since 0.1.0
 * @category transitions
 */
export const expire = (self: Pending): Expired => new Expired(kept(self))

/**
 * What an Upload is at a moment: a pending one is expired from `expiresAt` on, any other stays what it is.
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
 * The Upload if it is still pending at that moment, else the error that says why it is not.
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
