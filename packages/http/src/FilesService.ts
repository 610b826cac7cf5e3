/**
 * The Files API as far as a completed Upload needs it: its File, the bytes of it, all Files, and no more of it.
 *
 * @since 0.1.0
 */
import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import type { FileNotFound } from "@effect-uploads/domain/FileError"
import { FileObject } from "@effect-uploads/domain/FileObject"
import type { FileId } from "@effect-uploads/domain/Ids"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Chunk from "effect/Chunk"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ClientOptions, ClientOptionsConfig } from "./ClientOptions.js"
import { fromConfig } from "./ClientOptions.js"
import { DeleteFileResponse } from "./DeleteFile.js"
import * as FileRange from "./FileRange.js"
import * as internalClient from "./internal/client/client"
import * as memory from "./internal/memory/store"
import * as probes from "./internal/memory/callRecorder"
import * as readings from "./internal/client/errorRules"
import * as requests from "./internal/client/request"
import * as ListFiles from "./ListFiles.js"
import type { ServiceError } from "./ServiceError.js"
import { ResponseMalformed } from "./ServiceError.js"

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

const answers = {
  file: internalClient.answer(FileObject),
  page: internalClient.answer(ListFiles.ListFilesResponse),
  deleted: internalClient.answer(DeleteFileResponse)
}

/**
 * A client of a service that speaks the Files API.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: ClientOptions): Effect.Effect<Service, never, HttpClient.HttpClient> =>
  Effect.map(internalClient.make(options), (client): Service => {
    const page = (request: ListFiles.ListFiles) =>
      client.call({
        name: "files.list",
        request: requests.query("/files", ListFiles.UrlParams, request),
        success: answers.page,
        reading: readings.list
      })

    return {
      retrieve: Effect.fn("FilesService.retrieve")(function*(fileId) {
        yield* Effect.annotateCurrentSpan({ fileId })
        const segment = yield* requests.segment("file_id", fileId)
        return yield* client.call({
          name: "files.retrieve",
          request: Effect.succeed(HttpClientRequest.get(`/files/${segment}`)),
          success: answers.file,
          reading: readings.file({ fileId })
        })
      }),

      content: (fileId, range) =>
        client.download({
          name: "files.content",
          request: Effect.map(
            requests.segment("file_id", fileId),
            (segment) => HttpClientRequest.get(`/files/${segment}/content`)
          ),
          range: FileRange.validate(range),
          reading: readings.file({ fileId })
        }).pipe(Stream.withSpan("FilesService.content", { attributes: { fileId } })),

      list: (request = {}) =>
        Stream.unwrap(
          Effect.map(ListFiles.validate(request), (request) =>
            Stream.paginateChunkEffect(request, (request) =>
              Effect.map(page(request), ({ data, hasMore }) => {
                const last = data.at(-1)
                // A page that leads nowhere ends the list, whatever it says of itself.
                const next = hasMore && last !== undefined && last.id !== request.after
                  ? Option.some({ ...request, after: last.id })
                  : Option.none()
                return [Chunk.unsafeFromArray(data), next]
              })))
        ).pipe(Stream.withSpan("FilesService.list")),

      delete: Effect.fn("FilesService.delete")(function*(fileId) {
        yield* Effect.annotateCurrentSpan({ fileId })
        const segment = yield* requests.segment("file_id", fileId)
        const { deleted } = yield* client.call({
          name: "files.delete",
          request: Effect.succeed(HttpClientRequest.del(`/files/${segment}`)),
          afterUnheard: (error) =>
            error._tag === "FileNotFound"
              ? Effect.succeed(new DeleteFileResponse({ id: fileId, deleted: true }))
              : Effect.fail(error),
          success: answers.deleted,
          reading: readings.file({ fileId })
        })
        if (!deleted) {
          return yield* new ResponseMalformed({
            problem: "it accepts the request and says that the File is not deleted",
            response: new ErrorResponse({ status: 200 })
          })
        }
      })
    }
  })

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: ClientOptions): Layer.Layer<FilesService, never, HttpClient.HttpClient> =>
  Layer.effect(FilesService, make(options))

/**
 * {@link layer} with key, URL, organization and project from configuration, as `UploadsService.layerConfig`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options?: ClientOptionsConfig
): Layer.Layer<FilesService, ConfigError.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(FilesService, Effect.flatMap(fromConfig(options), make))

/**
 * The files of `UploadsService.layerMemory`, when both are provided together.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<FilesService> = /*#__PURE__*/ Layer.suspend(() =>
  // As a call that is marked pure, it and the store are left out of the bundle of who only uses the client.
  Layer.provide(Layer.effect(FilesService, Effect.map(memory.MemoryStore, (store) => store.files)), memory.layer)
)

/**
 * What a test sees of {@link layerTest}, and how it makes the next call fail.
 *
 * @since 0.1.0
 * @category models
 */
export interface TestHandle {
  /** All Files that are there at this moment of the `Clock`, oldest first, with their bytes. */
  readonly files: Effect.Effect<ReadonlyArray<StoredFile>>
  /** How often a method ran, failed runs included. */
  readonly calls: (method: keyof Errors) => Effect.Effect<number>
  /** Makes the next run of a method fail, before it does anything. Further errors wait for further runs. */
  readonly failNext: <Method extends keyof Errors>(method: Method, error: Errors[Method]) => Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredFile {
  readonly file: FileObject
  readonly bytes: Uint8Array
}

/**
 * @since 0.1.0
 * @category services
 */
export class FilesServiceTest
  extends Context.Tag("@effect-uploads/http/FilesServiceTest")<FilesServiceTest, TestHandle>()
{}

/**
 * {@link layerMemory} with a handle for tests. Provided together with `UploadsService.layerTest` both work on the same
 * files.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTest: Layer.Layer<FilesService | FilesServiceTest> = /*#__PURE__*/ Layer.suspend(() =>
  Layer.provide(
    Layer.effectContext(Effect.gen(function*() {
      const store = yield* memory.MemoryStore
      const methods: { readonly [Method in keyof Errors]: probes.CallRecorder<Errors[Method]> } = {
        retrieve: yield* probes.make(),
        content: yield* probes.make(),
        list: yield* probes.make(),
        delete: yield* probes.make()
      }
      const service: Service = {
        retrieve: (fileId) => methods.retrieve.effect(store.files.retrieve(fileId)),
        content: (fileId, range) => methods.content.stream(store.files.content(fileId, range)),
        list: (request) => methods.list.stream(store.files.list(request)),
        delete: (fileId) => methods.delete.effect(store.files.delete(fileId))
      }
      const handle: TestHandle = {
        files: store.snapshot.files,
        calls: (method) => methods[method].runs,
        failNext: (method, error) => methods[method].failNext(error)
      }
      return Context.make(FilesService, service).pipe(Context.add(FilesServiceTest, handle))
    })),
    memory.layer
  )
)
