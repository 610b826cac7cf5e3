/**
 * What the server remembers of Uploads, Parts and Files: everything but their bytes.
 *
 * @since 0.1.0
 */
import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { ExpiresAfter } from "@effect-uploads/domain/ExpiresAfter"
import type { FileObject } from "@effect-uploads/domain/FileObject"
import type { FilePurpose } from "@effect-uploads/domain/FilePurpose"
import type { IdempotencyRecord } from "@effect-uploads/domain/IdempotencyRecord"
import type { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import type { MimeType } from "@effect-uploads/domain/MimeType"
import type * as Upload from "@effect-uploads/domain/Upload"
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Option from "effect/Option"
import type { ProjectId } from "./Project.js"
import type { StorageError } from "./StorageError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredUpload {
  readonly project: ProjectId
  /** As it was last recorded: `Upload.at` tells whether it has expired since. */
  readonly upload: Upload.Upload
  readonly mimeType: MimeType
  readonly expiresAfter: Option.Option<ExpiresAfter>
  /** The bytes of all recorded parts. */
  readonly receivedBytes: ByteSize
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredPart {
  readonly part: UploadPart
  readonly bytes: ByteSize
  /** Of the part's bytes, as its storage told. */
  readonly checksum: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredFile {
  readonly project: ProjectId
  readonly file: FileObject
  /** Whose parts the File is made of. */
  readonly uploadId: UploadId
  /** Where it stands among the Files that were created in the same second: rises with each. */
  readonly sequence: number
}

/**
 * What one command does to a pending Upload.
 *
 * @since 0.1.0
 * @category models
 */
export type Change = Data.TaggedEnum<{
  PartAdded: { readonly part: StoredPart }
  /** The parts in the order of the File. Those of the Upload that are not among them are forgotten. */
  Completed: { readonly upload: Upload.Completed; readonly partIds: ReadonlyArray<PartId> }
  /** All its parts are forgotten. */
  Cancelled: { readonly upload: Upload.Cancelled }
}>

/**
 * A command that comes with an idempotency key. What it did is recorded with the key in the same transaction, and forgotten
 * when the Upload expires.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyedCommand<C> {
  readonly key: string
  readonly record: (change: C) => IdempotencyRecord
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const Change = Data.taggedEnum<Change>()

/**
 * @since 0.1.0
 * @category models
 */
export interface ListFilesQuery {
  readonly now: DateTime.Utc
  readonly order: "asc" | "desc"
  readonly purpose: FilePurpose | undefined
  /** Only what comes after this one in the order. */
  readonly after: StoredFile | undefined
  /** The most that are returned. */
  readonly limit: number
}

/**
 * Every method is one atomic step, and durable when it succeeds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Returns the record of an earlier call with the same key, and then creates nothing. */
  readonly createUpload: (
    stored: StoredUpload,
    call?: { readonly key: string; readonly record: IdempotencyRecord; readonly now: DateTime.Utc } | undefined
  ) => Effect.Effect<Option.Option<IdempotencyRecord>, StorageError>

  /** The call that came with the key. Keys are forgotten when their Upload expires. */
  readonly findCall: (
    project: ProjectId,
    key: string,
    now: DateTime.Utc
  ) => Effect.Effect<Option.Option<IdempotencyRecord>, StorageError>

  /** Another project's Upload is none. */
  readonly findUpload: (
    project: ProjectId,
    uploadId: UploadId
  ) => Effect.Effect<Option.Option<StoredUpload>, StorageError>

  /**
   * Shows the Upload as it is and makes the change that `decide` answers, with nothing in between. `decide` may be asked
   * again.
   */
  readonly changeUpload: <C extends Change, E>(
    project: ProjectId,
    uploadId: UploadId,
    decide: (
      stored: Option.Option<StoredUpload>,
      now: DateTime.Utc,
      earlier: Option.Option<IdempotencyRecord>
    ) => Either.Either<C, E>,
    command?: KeyedCommand<C> | undefined
  ) => Effect.Effect<C, E | StorageError>

  /** The recorded parts in the order in which they were recorded; none of an Upload that is unknown or reclaimed. */
  readonly partsOfUpload: (uploadId: UploadId) => Effect.Effect<ReadonlyArray<StoredPart>, StorageError>

  /** Another project's File is none, nor is one that was deleted. One that has expired may still be shown. */
  readonly findFile: (project: ProjectId, fileId: FileId) => Effect.Effect<Option.Option<StoredFile>, StorageError>

  /** In the order of the File. A part may be there more than once. */
  readonly partsOfFile: (fileId: FileId) => Effect.Effect<ReadonlyArray<StoredPart>, StorageError>

  /** By time of creation, then by sequence; without those that have expired. */
  readonly listFiles: (
    project: ProjectId,
    query: ListFilesQuery
  ) => Effect.Effect<ReadonlyArray<StoredFile>, StorageError>

  /** Whether there was one that had not expired. */
  readonly deleteFile: (
    project: ProjectId,
    fileId: FileId,
    now: DateTime.Utc
  ) => Effect.Effect<boolean, StorageError>

  /**
   * Uploads whose recorded bytes nobody can ask for any more, oldest first: cancelled or expired ones, and those whose File
   * was deleted or has expired.
   */
  readonly reclaimable: (now: DateTime.Utc, limit: number) => Effect.Effect<ReadonlyArray<UploadId>, StorageError>

  /** Forgets the parts of such an Upload, after their bytes are gone. */
  readonly reclaimed: (uploadId: UploadId) => Effect.Effect<void, StorageError>

  /** Forgets the idempotency keys of Uploads that have expired. */
  readonly forgetCalls: (now: DateTime.Utc) => Effect.Effect<void, StorageError>

  /** Whether the Upload can still take parts. One that is unknown cannot. */
  readonly takesParts: (uploadId: UploadId, now: DateTime.Utc) => Effect.Effect<boolean, StorageError>

  /** Succeeds if the database answers. */
  readonly ping: Effect.Effect<void, StorageError>
}

/**
 * @since 0.1.0
 * @category services
 */
export class UploadRepository
  extends Context.Tag("@effect-uploads/server/UploadRepository")<UploadRepository, Service>()
{}
