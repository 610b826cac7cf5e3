/**
 * The Files API as a service, for the Files of completed Uploads: read a File and its content, list Files, delete one.
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
 * The errors of `retrieve`.
 *
 * @since 0.1.0
 * @category errors
 */
export type RetrieveError = InvalidRequest | FileNotFound | ServiceError

/**
 * The errors of `content`.
 *
 * @since 0.1.0
 * @category errors
 */
export type ContentError = InvalidRequest | FileNotFound | ServiceError

/**
 * The errors of `list`.
 *
 * @since 0.1.0
 * @category errors
 */
export type ListError = InvalidRequest | ServiceError

/**
 * The errors of `delete`.
 *
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
 * The Files API: one method for each operation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The metadata of a File. */
  readonly retrieve: (fileId: FileId) => Effect.Effect<FileObject, RetrieveError>

  /**
   * The bytes of a File, or of a range of it.
   *
   * Nothing is retried after the first byte. If the connection breaks, the stream fails with `TransportFailed`; if no byte
   * arrives for the attempt timeout, with `RequestTimeout`. To continue, call `content` again with the range that is missing.
   */
  readonly content: (fileId: FileId, range?: FileRange.FileRange) => Stream.Stream<Uint8Array, ContentError>

  /** All Files. A page is requested when the stream needs it. */
  readonly list: (request?: ListFiles.ListFiles) => Stream.Stream<FileObject, ListError>

  /**
   * Deletes a File and its bytes. If the response to the first attempt is lost and the File does not exist at the retry, it was
   * deleted by the first attempt: this is a success.
   */
  readonly delete: (fileId: FileId) => Effect.Effect<void, DeleteError>
}

/**
 * The tag of {@link Service}. `FilesClient.layer` and `FilesMemory.layerMemory` provide it.
 *
 * @since 0.1.0
 * @category services
 * @example
 * ```ts
 * import type { FileId } from "@effect-uploads/domain/Ids"
 * import { FilesService } from "@effect-uploads/http/FilesService"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * export const lines = (fileId: FileId) =>
 *   Stream.unwrap(Effect.map(FilesService, (files) => files.content(fileId))).pipe(Stream.decodeText(), Stream.splitLines)
 * ```
 */
export class FilesService extends Context.Tag("@effect-uploads/http/FilesService")<FilesService, Service>() {}
