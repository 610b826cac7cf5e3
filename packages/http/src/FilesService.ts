/**
 * The Files API as far as a completed Upload needs it: its File, the File's content, the list of Files, and deletion.
 *
 * This module holds the interface, its errors and the tag. `FilesClient` calls a service over HTTP, `FilesMemory` keeps Files
 * in memory.
 *
 * @since 0.1.0
 */
import type { FileNotFound } from "@effect-uploads/domain/FileError"
import type { FileObject } from "@effect-uploads/domain/FileObject"
import type { FileId } from "@effect-uploads/domain/Ids"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type * as FileRange from "./FileRange.js"
import type * as ListFiles from "./ListFiles.js"
import type { ServiceError } from "./ServiceError.js"

/**
 * @since 0.1.0
 * @category errors
 */
export type RetrieveError = InvalidRequest | FileNotFound | ServiceError

/**
 * @since 0.1.0
 * @category errors
 */
export type ContentError = InvalidRequest | FileNotFound | ServiceError

/**
 * @since 0.1.0
 * @category errors
 */
export type ListError = InvalidRequest | ServiceError

/**
 * @since 0.1.0
 * @category errors
 */
export type DeleteError = InvalidRequest | FileNotFound | ServiceError

/**
 * The errors of each method.
 *
 * @since 0.1.0
 * @category errors
 */
export interface Errors {
  readonly retrieve: RetrieveError
  readonly content: ContentError
  readonly list: ListError
  readonly delete: DeleteError
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** What is known of a File. */
  readonly retrieve: (fileId: FileId) => Effect.Effect<FileObject, RetrieveError>

  /**
   * The bytes of a File, or those of a range of it. After the first byte nothing is retried: a connection that breaks fails
   * with `TransportFailed`, one on which nothing comes for the attempt timeout with `RequestTimeout`. With the range from
   * the bytes that arrived it goes on where it was.
   */
  readonly content: (fileId: FileId, range?: FileRange.FileRange) => Stream.Stream<Uint8Array, ContentError>

  /** All Files, page by page as they are asked for. */
  readonly list: (request?: ListFiles.ListFiles) => Stream.Stream<FileObject, ListError>

  /**
   * Deletes a File and its bytes. Where the answer to a first attempt was lost and the retry hears that there is no such File,
   * it is deleted.
   */
  readonly delete: (fileId: FileId) => Effect.Effect<void, DeleteError>
}

/**
 * @since 0.1.0
 * @category services
 */
export class FilesService extends Context.Tag("@effect-uploads/http/FilesService")<FilesService, Service>() {}
