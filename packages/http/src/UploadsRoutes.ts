/**
 * The handlers of `UploadsApi`. They serve the `UploadsService` and the `FilesService` of the context.
 *
 * @since 0.1.0
 */
import { CompleteUpload } from "@effect-uploads/domain/CompleteUpload"
import { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import { validateId } from "@effect-uploads/domain/RequestText"
import { fromParseError, PartTooLarge } from "@effect-uploads/domain/UploadError"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import type * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { DeleteFileResponse } from "./DeleteFile.js"
import { FilesService } from "./FilesService.js"
import * as multipart from "./internal/multipart/reader.js"
import { createFile, maximumBytes } from "./internal/routes/createFile.js"
import { download } from "./internal/routes/download.js"
import { withErrorReplies } from "./internal/routes/errorReply.js"
import * as filesPage from "./internal/routes/filesPage.js"
import { withRequestKey } from "./internal/routes/idempotencyKey.js"
import * as jsonPayload from "./internal/routes/jsonPayload.js"
import * as knownKeys from "./internal/routes/knownKeys.js"
import * as requestBody from "./internal/routes/requestBody.js"
import * as routeNotFound from "./internal/routes/routeNotFound.js"
import * as ListFiles from "./ListFiles.js"
import * as PartData from "./PartData.js"
import type { FilesGroup, UploadsGroup } from "./UploadsApi.js"
import { UploadsApi } from "./UploadsApi.js"
import { UploadsService } from "./UploadsService.js"

const readCreateUpload = jsonPayload.make(CreateUpload)
const readCompleteUpload = jsonPayload.make(CompleteUpload)
/** All parameters of the query: the platform passes only the known ones to a handler. */
const queryOf = ({ url }: HttpServerRequest.HttpServerRequest): object =>
  Object.fromEntries(new URLSearchParams(url.split("?")[1]))

const rejectUnknownParameters = knownKeys.make(ListFiles.UrlParams)
const decodeListFiles = Schema.decodeUnknown(ListFiles.UrlParams)

/**
 * The handlers of `UploadsGroup`.
 *
 * An operation that fails responds with the error response of `ErrorMapping.toReply`, so that no handler has an error.
 *
 * @example
 * ```ts
 * import { UploadsGroup } from "@effect-uploads/http/UploadsApi"
 * import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
 * import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
 * import * as HttpApi from "@effect/platform/HttpApi"
 * import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
 * import * as Layer from "effect/Layer"
 *
 * class MyApi extends HttpApi.make("my-api").add(UploadsGroup).prefix("/v1") {}
 *
 * export const layer = HttpApiBuilder.api(MyApi).pipe(
 *   Layer.provide(HttpApiBuilder.group(MyApi, "uploads", UploadsRoutes.uploads)),
 *   Layer.provide(UploadsRoutes.layerNotFound),
 *   Layer.provide(UploadsMemory.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category handlers
 */
export const uploads = <E, Provides, R>(
  handlers: HttpApiBuilder.Handlers<E, Provides, R, HttpApiGroup.HttpApiGroup.Endpoints<typeof UploadsGroup>>
) =>
  handlers
    .handleRaw("createUpload", ({ request }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        return yield* service.create(yield* readCreateUpload(request))
      }).pipe(withRequestKey(request), withErrorReplies))
    .handleRaw("addUploadPart", ({ path, request }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        const { partBytes } = yield* UploadLimits
        return yield* requestBody.read(
          request,
          { mediaTypes: requestBody.form, discardBytes: partBytes },
          (body) =>
            Effect.flatMap(
              validateId("upload_id", path.upload_id),
              (uploadId) =>
                multipart.isTooLarge(request.headers, partBytes)
                  ? new PartTooLarge({ uploadId, limit: partBytes })
                  : service.addPart(uploadId, PartData.incoming(multipart.readData(request.headers, body)))
            ).pipe(withRequestKey(request))
        )
      }).pipe(withErrorReplies))
    .handleRaw("completeUpload", ({ path, request }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        const complete = yield* readCompleteUpload(request)
        return yield* service.complete(yield* validateId("upload_id", path.upload_id), complete)
      }).pipe(withRequestKey(request), withErrorReplies))
    .handleRaw("cancelUpload", ({ path, request }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        return yield* service.cancel(yield* validateId("upload_id", path.upload_id))
      }).pipe(withRequestKey(request), withErrorReplies))

/**
 * The handlers of `FilesGroup`.
 *
 * `createFile` keeps the file in `IncomingDirectory` while it arrives, and passes it to the `UploadsService` as an Upload.
 *
 * @example
 * ```ts
 * import * as FilesMemory from "@effect-uploads/http/FilesMemory"
 * import { FilesGroup } from "@effect-uploads/http/UploadsApi"
 * import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
 * import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
 * import * as HttpApi from "@effect/platform/HttpApi"
 * import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
 * import * as Layer from "effect/Layer"
 *
 * class MyApi extends HttpApi.make("my-api").add(FilesGroup) {}
 *
 * export const layer = HttpApiBuilder.api(MyApi).pipe(
 *   Layer.provide(HttpApiBuilder.group(MyApi, "files", UploadsRoutes.files)),
 *   Layer.provide([UploadsMemory.layerMemory, FilesMemory.layerMemory])
 * )
 * ```
 *
 * @since 0.1.0
 * @category handlers
 */
export const files = <E, Provides, R>(
  handlers: HttpApiBuilder.Handlers<E, Provides, R, HttpApiGroup.HttpApiGroup.Endpoints<typeof FilesGroup>>
) =>
  handlers
    .handleRaw("listFiles", ({ request, urlParams }) =>
      Effect.gen(function*() {
        const service = yield* FilesService
        yield* rejectUnknownParameters(queryOf(request))
        const query = yield* Effect.mapError(decodeListFiles(urlParams), fromParseError)
        return yield* filesPage.respond(yield* filesPage.read(service.list, query))
      }).pipe(withErrorReplies))
    .handleRaw("createFile", ({ request }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        return yield* requestBody.read(
          request,
          { mediaTypes: requestBody.form, discardBytes: yield* maximumBytes },
          (body) => withRequestKey(request)(createFile(service, request.headers, body))
        )
      }).pipe(withErrorReplies))
    .handleRaw("retrieveFile", ({ path }) =>
      Effect.gen(function*() {
        const service = yield* FilesService
        return yield* service.retrieve(yield* validateId("file_id", path.file_id))
      }).pipe(withErrorReplies))
    .handleRaw("downloadFile", ({ path, request }) =>
      Effect.gen(function*() {
        return yield* download(yield* FilesService, request, yield* validateId("file_id", path.file_id))
      }).pipe(withErrorReplies))
    .handleRaw("deleteFile", ({ path }) =>
      Effect.gen(function*() {
        const service = yield* FilesService
        const id = yield* validateId("file_id", path.file_id)
        yield* service.delete(id)
        return new DeleteFileResponse({ id, deleted: true })
      }).pipe(withErrorReplies))

/**
 * Responds to a request that matches no route with the documented envelope; an `HttpApi` by itself sends no body. The status
 * is 405 with `Allow` if the path has routes with other methods, else 404. `OPTIONS` of such a path gets 204 with `Allow`.
 * A target with a raw `#` gets 400. It also lets the parameters of paths be longer than the 100 characters that are the default of
 * the router, because an id may have 500. Provide it to an `HttpApi` of your own, beside its groups.
 *
 * @example
 * ```ts
 * import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
 * import { UploadsGroup } from "@effect-uploads/http/UploadsApi"
 * import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
 * import * as HttpApi from "@effect/platform/HttpApi"
 * import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
 * import * as Layer from "effect/Layer"
 *
 * class MyApi extends HttpApi.make("my-api").add(UploadsGroup) {}
 *
 * export const layer = HttpApiBuilder.api(MyApi).pipe(
 *   Layer.provide(HttpApiBuilder.group(MyApi, "uploads", UploadsRoutes.uploads)),
 *   Layer.provide(UploadsRoutes.layerNotFound),
 *   Layer.provide(UploadsMemory.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNotFound: Layer.Layer<never> = HttpApiBuilder.middleware(routeNotFound.middleware).pipe(
  Layer.provide(HttpApiBuilder.Router.Live),
  Layer.merge(routeNotFound.routerConfig)
)

/**
 * The whole `UploadsApi`, ready for `HttpApiBuilder.serve`.
 *
 * @example
 * ```ts
 * import * as FilesMemory from "@effect-uploads/http/FilesMemory"
 * import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
 * import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
 * import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
 * import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
 * import * as Layer from "effect/Layer"
 * import { createServer } from "node:http"
 *
 * export const server = HttpApiBuilder.serve().pipe(
 *   Layer.provide(UploadsRoutes.layer),
 *   Layer.provide([UploadsMemory.layerMemory, FilesMemory.layerMemory]),
 *   Layer.provide(NodeHttpServer.layer(() => createServer(), { port: 8080 }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpApi.Api, never, UploadsService | FilesService> = HttpApiBuilder.api(UploadsApi)
  .pipe(
    Layer.provide(HttpApiBuilder.group(UploadsApi, "uploads", uploads)),
    Layer.provide(HttpApiBuilder.group(UploadsApi, "files", files)),
    Layer.provide(layerNotFound)
  )
