/**
 * Stores the metadata of Uploads, Parts and Files: everything but their bytes.
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
import type * as Stream from "effect/Stream"
import type { ProjectId } from "./Project.js"
import type { StorageError } from "./StorageError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredUpload {
  readonly project: ProjectId
  /** The last recorded state. `Upload.at` tells whether the Upload has expired since. */
  readonly upload: Upload.Upload
  readonly mimeType: MimeType
  readonly expiresAfter: Option.Option<ExpiresAfter>
  /** The size of all recorded parts together, in bytes. */
  readonly receivedBytes: ByteSize
  /** The number of all recorded parts. */
  readonly receivedParts: number
}

/**
 * The resources that a project uses.
 *
 * @since 0.1.0
 * @category models
 */
export interface Usage {
  /** The number of Uploads that can still be completed. */
  readonly pendingUploads: number
  /** The bytes of all recorded parts of its Uploads and Files. */
  readonly storedBytes: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredPart {
  readonly part: UploadPart
  readonly bytes: ByteSize
  /** The checksum that the part storage computed. */
  readonly checksum: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredFile {
  readonly project: ProjectId
  readonly file: FileObject
  /** The Upload whose parts the File consists of. */
  readonly uploadId: UploadId
  /** Orders the Files that were created in the same second. */
  readonly sequence: number
}

/**
 * A change to a pending Upload.
 *
 * @since 0.1.0
 * @category models
 */
export type Change = Data.TaggedEnum<{
  PartAdded: { readonly part: StoredPart }
  /** The parts in the order of the File. The other parts of the Upload are deleted. */
  Completed: { readonly upload: Upload.Completed; readonly partIds: ReadonlyArray<PartId> }
  /** All parts are deleted. */
  Cancelled: { readonly upload: Upload.Cancelled }
}>

/**
 * A command with an idempotency key. The same transaction records the key and the change of the command. The record is forgotten
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
 * @example
 * ```ts
 * import * as Upload from "@effect-uploads/domain/Upload"
 * import { Change } from "@effect-uploads/server/UploadRepository"
 *
 * export const cancelled = (pending: Upload.Pending) => Change.Cancelled({ upload: Upload.cancel(pending) })
 * ```
 *
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
  /** Only Files after this one. */
  readonly after: StoredFile | undefined
  /** The maximum number of returned Files. */
  readonly limit: number
}

/**
 * Every method is one atomic step, and durable when it succeeds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Creates an Upload if `admit` accepts what its project uses. Returns the record of an earlier call with the same key, and
   * then creates nothing. Several servers that create Uploads at the same time may all be admitted.
   */
  readonly createUpload: <E = never>(
    stored: StoredUpload,
    call?: { readonly key: string; readonly record: IdempotencyRecord } | undefined,
    admit?: ((usage: Usage) => Either.Either<void, E>) | undefined
  ) => Effect.Effect<Option.Option<IdempotencyRecord>, E | StorageError>

  /** The bytes of all recorded parts of the Uploads and Files of a project. */
  readonly storedBytes: (project: ProjectId) => Effect.Effect<number, StorageError>

  /** The call that came with the key. Keys are forgotten when their Upload expires. */
  readonly findCall: (
    project: ProjectId,
    key: string,
    now: DateTime.Utc
  ) => Effect.Effect<Option.Option<IdempotencyRecord>, StorageError>

  /** None for an unknown Upload and for one of another project. */
  readonly findUpload: (
    project: ProjectId,
    uploadId: UploadId
  ) => Effect.Effect<Option.Option<StoredUpload>, StorageError>

  /**
   * Passes the current Upload, and the bytes that its project stores, to `decide` and makes the change that it returns, in one
   * atomic step. `decide` may be called again.
   */
  readonly changeUpload: <C extends Change, E>(
    project: ProjectId,
    uploadId: UploadId,
    decide: (
      stored: Option.Option<StoredUpload>,
      now: DateTime.Utc,
      earlier: Option.Option<IdempotencyRecord>,
      projectBytes: number
    ) => Either.Either<C, E>,
    command?: KeyedCommand<C> | undefined
  ) => Effect.Effect<C, E | StorageError>

  /** The parts in the order in which they were recorded. Empty for an unknown or reclaimed Upload. */
  readonly partsOfUpload: (uploadId: UploadId) => Effect.Effect<ReadonlyArray<StoredPart>, StorageError>

  /** None for an unknown or deleted File, and for one of another project. An expired File may still be returned. */
  readonly findFile: (project: ProjectId, fileId: FileId) => Effect.Effect<Option.Option<StoredFile>, StorageError>

  /** The parts in the order of the File, read page by page. They do not change as long as the caller has a lease. */
  readonly partsOfFile: (fileId: FileId) => Stream.Stream<StoredPart, StorageError>

  /** The Files that have not expired, by time of creation, then by sequence. */
  readonly listFiles: (
    project: ProjectId,
    query: ListFilesQuery
  ) => Effect.Effect<ReadonlyArray<StoredFile>, StorageError>

  /** Returns whether the File existed and had not expired. */
  readonly deleteFile: (
    project: ProjectId,
    fileId: FileId,
    now: DateTime.Utc
  ) => Effect.Effect<boolean, StorageError>

  /**
   * Uploads with parts that no request can reach, oldest first: cancelled or expired ones, and those whose File was deleted or
   * has expired. Records that they have expired, so that no request can reach them later, even if a clock goes back.
   */
  readonly reclaimable: (now: DateTime.Utc, limit: number) => Effect.Effect<ReadonlyArray<UploadId>, StorageError>

  /** Deletes the parts of such an Upload, after the storage has removed their bytes. The state of the Upload stays. */
  readonly reclaimed: (uploadId: UploadId, now: DateTime.Utc) => Effect.Effect<void, StorageError>

  /**
   * Deletes at most `limit` Uploads whose parts were removed before the given time, and returns their number. They are unknown
   * from then on.
   */
  readonly forgetUploads: (before: DateTime.Utc, limit: number) => Effect.Effect<number, StorageError>

  /** Gives the unused space of the database back to the file system. */
  readonly releaseSpace: Effect.Effect<void, StorageError>

  /** The projects that store bytes or have Files. */
  readonly projects: Effect.Effect<ReadonlyArray<ProjectId>, StorageError>

  /** Forgets the idempotency keys of Uploads that have expired. */
  readonly forgetCalls: (now: DateTime.Utc) => Effect.Effect<void, StorageError>

  /** Whether the Upload accepts parts. False for an unknown Upload. */
  readonly takesParts: (uploadId: UploadId, now: DateTime.Utc) => Effect.Effect<boolean, StorageError>

  /** Succeeds if the database can be written and has space. */
  readonly ping: Effect.Effect<void, StorageError>
}

/**
 * @since 0.1.0
 * @category services
 */
export class UploadRepository
  extends Context.Tag("@effect-uploads/server/UploadRepository")<UploadRepository, Service>()
{}
