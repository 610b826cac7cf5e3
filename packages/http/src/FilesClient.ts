/**
 * `FilesService` as a client of a service that speaks the Files API over HTTP.
 *
 * @since 0.1.0
 */
import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { FileObject } from "@effect-uploads/domain/FileObject"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Chunk from "effect/Chunk"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ClientOptions, ClientOptionsConfig } from "./ClientOptions.js"
import { fromConfig } from "./ClientOptions.js"
import { DeleteFileResponse } from "./DeleteFile.js"
import * as FileRange from "./FileRange.js"
import type { Service } from "./FilesService.js"
import { FilesService } from "./FilesService.js"
import * as internalClient from "./internal/client/client.js"
import * as readings from "./internal/client/errorRules.js"
import * as requests from "./internal/client/request.js"
import * as ListFiles from "./ListFiles.js"
import { ResponseMalformed } from "./ServiceError.js"

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
 * {@link layer} with key, URL, organization and project from configuration, as `UploadsClient.layerConfig`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options?: ClientOptionsConfig
): Layer.Layer<FilesService, ConfigError.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(FilesService, Effect.flatMap(fromConfig(options), make))
