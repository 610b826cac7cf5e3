/**
 * `FilesService` over HTTP: a client of the OpenAI API, or of another service with the same API.
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
import * as attempts from "./internal/client/attempts.js"
import { jsonDecoder, makeCall } from "./internal/client/call.js"
import { makeDownload } from "./internal/client/download.js"
import * as errorRules from "./internal/client/errorRules.js"
import { getWithQuery, pathSegment } from "./internal/client/request.js"
import * as ListFiles from "./ListFiles.js"
import { ResponseMalformed } from "./ServiceError.js"

const decoders = {
  file: jsonDecoder(FileObject),
  page: jsonDecoder(ListFiles.ListFilesResponse),
  deleted: jsonDecoder(DeleteFileResponse)
}

/**
 * A client of the Files API. Needs the `HttpClient` of a platform, such as `FetchHttpClient.layer`.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import * as FilesClient from "@effect-uploads/http/FilesClient"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * export const client = FilesClient.make({ apiKey: Redacted.make("sk-…") }).pipe(Effect.provide(FetchHttpClient.layer))
 * ```
 */
export const make = (options: ClientOptions): Effect.Effect<Service, never, HttpClient.HttpClient> =>
  Effect.map(attempts.make(options), (attempts): Service => {
    const call = makeCall(attempts, options)
    const download = makeDownload(attempts)
    const page = (request: ListFiles.ListFiles) =>
      call({
        name: "files.list",
        request: getWithQuery("/files", ListFiles.UrlParams, request),
        // The official clients go on to the next page where `has_more` is missing.
        success: (body) => decoders.page(body, (page) => ({ object: "list", has_more: true, ...page })),
        errorRules: errorRules.list
      })

    return {
      retrieve: Effect.fn("FilesService.retrieve")(function*(fileId) {
        yield* Effect.annotateCurrentSpan({ fileId })
        const segment = yield* pathSegment("file_id", fileId)
        return yield* call({
          name: "files.retrieve",
          request: Effect.succeed(HttpClientRequest.get(`/files/${segment}`)),
          success: decoders.file,
          errorRules: errorRules.file({ fileId })
        })
      }),

      content: (fileId, range) =>
        download({
          name: "files.content",
          request: Effect.map(
            pathSegment("file_id", fileId),
            (segment) => HttpClientRequest.get(`/files/${segment}/content`)
          ),
          range: FileRange.validate(range),
          errorRules: errorRules.file({ fileId })
        }).pipe(Stream.withSpan("FilesService.content", { attributes: { fileId } })),

      list: (request = {}) =>
        Stream.unwrap(
          Effect.map(ListFiles.validate(request), (request) =>
            Stream.paginateChunkEffect(request, (request) =>
              Effect.map(page(request), ({ data, hasMore }) => {
                const last = data.at(-1)
                // An empty page, or one that ends where it began, would be requested for ever.
                const next = hasMore && last !== undefined && last.id !== request.after
                  ? Option.some({ ...request, after: last.id })
                  : Option.none()
                // A service that ignores `after` sends the first page again.
                return [
                  last !== undefined && last.id === request.after
                    ? Chunk.empty<FileObject>()
                    : Chunk.unsafeFromArray(data),
                  next
                ]
              })))
        ).pipe(Stream.withSpan("FilesService.list")),

      delete: Effect.fn("FilesService.delete")(function*(fileId) {
        yield* Effect.annotateCurrentSpan({ fileId })
        const segment = yield* pathSegment("file_id", fileId)
        const { deleted } = yield* call({
          name: "files.delete",
          request: Effect.succeed(HttpClientRequest.del(`/files/${segment}`)),
          afterAmbiguousFailure: (error) =>
            error._tag === "FileNotFound"
              ? Effect.succeed(new DeleteFileResponse({ id: fileId, deleted: true }))
              : Effect.fail(error),
          success: decoders.deleted,
          errorRules: errorRules.file({ fileId })
        })
        if (!deleted) {
          return yield* new ResponseMalformed({
            problem: "the response to the deletion has `deleted: false`",
            response: new ErrorResponse({ status: 200 })
          })
        }
      })
    }
  })

/**
 * `FilesService` over HTTP. An option that cannot be sent, such as a URL without a host, makes each call fail with `InvalidRequest`.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as FilesClient from "@effect-uploads/http/FilesClient"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * export const service = FilesClient.layer({
 *   apiKey: Redacted.make("sk-…"),
 *   apiUrl: "https://uploads.example.com/v1"
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 * ```
 */
export const layer = (options: ClientOptions): Layer.Layer<FilesService, never, HttpClient.HttpClient> =>
  Layer.effect(FilesService, make(options))

/**
 * {@link layer} with key, URL, organization and project from configuration: `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
 * `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID`, unless `options` has another `Config` for a value. Fails with `ConfigError` if the
 * key is missing.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as FilesClient from "@effect-uploads/http/FilesClient"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * export const service = Layer.provide(FilesClient.layerConfig({ partBody: "blob" }), FetchHttpClient.layer)
 * ```
 */
export const layerConfig = (
  options?: ClientOptionsConfig
): Layer.Layer<FilesService, ConfigError.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(FilesService, Effect.flatMap(fromConfig(options), make))
