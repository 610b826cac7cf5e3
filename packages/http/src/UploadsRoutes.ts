/**
 * The contract served by whatever `UploadsService` and `FilesService` are in the context.
 *
 * @since 0.1.0
 */
import { CompleteUpload } from "@effect-uploads/domain/CompleteUpload"
import { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import { fromParseError, InvalidRequest } from "@effect-uploads/domain/UploadError"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { DeleteFileResponse } from "./DeleteFile.js"
import type { ApiError } from "./ErrorMapping.js"
import { toReply } from "./ErrorMapping.js"
import { FilesService } from "./FilesService.js"
import * as multipart from "./internal/multipart/reader.js"
import { createFile, maximumBytes } from "./internal/routes/createFile.js"
import { download } from "./internal/routes/download.js"
import { errorReply } from "./internal/routes/errorReply.js"
import { sanitized } from "./internal/secrets.js"
import * as ListFiles from "./ListFiles.js"
import * as PartData from "./PartData.js"
import type { FilesGroup, UploadsGroup } from "./UploadsApi.js"
import { UploadsApi } from "./UploadsApi.js"
import { UploadsService } from "./UploadsService.js"

/** Room for tens of thousands of part ids. */
const maximumJsonBytes = FileSystem.MiB(4)

/**
 * The JSON of a request, whatever its content type says: the documentation's own `curl -d` lines say nothing.
 *
 * Made once for each schema: a schema that is made anew is compiled anew.
 */
const payload = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decode(Schema.parseJson(schema))
  return (request: HttpServerRequest.HttpServerRequest) =>
    request.text.pipe(
      HttpServerRequest.withMaxBodySize(Option.some(maximumJsonBytes)),
      Effect.mapError(() =>
        new InvalidRequest({ problem: "the body cannot be read", limit: `JSON of at most ${maximumJsonBytes} bytes` })
      ),
      Effect.flatMap((text) => Effect.mapError(decode(text), fromParseError))
    )
}

const createUpload = payload(CreateUpload)
const completeUpload = payload(CompleteUpload)
const listFiles = Schema.decodeUnknown(ListFiles.UrlParams)

/** An error of the services as the answer that a client reads it back from. */
const answerOf = (error: ApiError) => {
  const { envelope, headers, status } = toReply(error)
  return HttpServerResponse.unsafeJson(envelope, { status, headers })
}

const answerErrors = <A, R>(effect: Effect.Effect<A, ApiError, R>) =>
  Effect.catchAll(effect, (error) => Effect.succeed(answerOf(error)))

/** A body that can be left and taken up again where it was left. */
const bodyOf = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.map(
    Stream.toPull(Stream.mapError(request.stream, (error) => sanitized(error))),
    Stream.repeatEffectChunkOption
  )

/** How long a client may go on sending what is refused already. */
const discardTime = Duration.seconds(5)

/**
 * Answers at once, and then reads the rest of a body that nobody wants: a server that stops reading closes the connection,
 * and a client that is still sending never sees the answer. Within bounds, for one that sends slowly or without an end: where
 * they end the connection does, so the answer tells the client not to send its next request on it.
 */
const discarding = <E>(
  response: HttpServerResponse.HttpServerResponse,
  rest: Stream.Stream<Uint8Array, E>,
  maximumBytes: number
) => {
  if (response.body._tag !== "Uint8Array") return response
  const { body, contentLength, contentType } = response.body
  const discarded = rest.pipe(
    Stream.mapAccum(0, (total, bytes) => [total + bytes.byteLength, total + bytes.byteLength]),
    Stream.takeUntil((total) => total > maximumBytes),
    Stream.runDrain,
    Effect.ignore,
    Effect.timeoutOption(discardTime)
  )
  return HttpServerResponse.stream(Stream.concat(Stream.make(body), Stream.execute(discarded)), {
    status: response.status,
    headers: { ...response.headers, connection: "close" },
    contentType,
    contentLength
  })
}

/**
 * The handlers of `UploadsGroup`, for `HttpApiBuilder.group(MyApi, "uploads", UploadsRoutes.uploads)`.
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
        return yield* service.create(yield* createUpload(request))
      }).pipe(answerErrors))
    .handleRaw("addUploadPart", ({ path, request }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        const limits = yield* UploadLimits
        const body = yield* bodyOf(request)
        const data = PartData.incoming(multipart.readData(request.headers, body))
        return yield* Effect.catchAll(
          service.addPart(path.upload_id, data),
          (error) => Effect.succeed(discarding(answerOf(error), body, limits.partBytes))
        )
      }))
    .handleRaw("completeUpload", ({ path, request }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        return yield* service.complete(path.upload_id, yield* completeUpload(request))
      }).pipe(answerErrors))
    .handleRaw("cancelUpload", ({ path }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        return yield* service.cancel(path.upload_id)
      }).pipe(answerErrors))

/**
 * The handlers of `FilesGroup`, for `HttpApiBuilder.group(MyApi, "files", UploadsRoutes.files)`.
 *
 * `createFile` keeps the file in the temporary directory while it arrives, and hands it to the `UploadsService` as an Upload.
 *
 * @since 0.1.0
 * @category handlers
 */
export const files = <E, Provides, R>(
  handlers: HttpApiBuilder.Handlers<E, Provides, R, HttpApiGroup.HttpApiGroup.Endpoints<typeof FilesGroup>>
) =>
  handlers
    .handleRaw("listFiles", ({ urlParams }) =>
      Effect.gen(function*() {
        const service = yield* FilesService
        const request = yield* Effect.mapError(listFiles(urlParams), fromParseError)
        return yield* page(service.list, request)
      }).pipe(answerErrors))
    .handleRaw("createFile", ({ request }) =>
      Effect.gen(function*() {
        const service = yield* UploadsService
        const limit = yield* maximumBytes
        const body = yield* bodyOf(request)
        return yield* Effect.catchAll(
          createFile(service, request.headers, body),
          (error) => Effect.succeed(discarding(answerOf(error), body, limit))
        )
      }))
    .handleRaw("retrieveFile", ({ path }) =>
      Effect.gen(function*() {
        const service = yield* FilesService
        return yield* service.retrieve(path.file_id)
      }).pipe(answerErrors))
    .handleRaw("downloadFile", ({ path, request }) =>
      Effect.gen(function*() {
        return yield* download(yield* FilesService, request, path.file_id)
      }).pipe(answerErrors))
    .handleRaw("deleteFile", ({ path }) =>
      Effect.gen(function*() {
        const service = yield* FilesService
        yield* service.delete(path.file_id)
        return new DeleteFileResponse({ id: path.file_id, deleted: true })
      }).pipe(answerErrors))

/** One page: one File more than it shows tells whether there is another. */
const page = (list: FilesService["Type"]["list"], request: ListFiles.ListFiles) => {
  const limit = request.limit ?? ListFiles.maximumLimit
  return list({ ...request, limit: Math.min(limit + 1, ListFiles.maximumLimit) }).pipe(
    Stream.take(limit + 1),
    Stream.runCollect,
    Effect.map((found) => {
      const data = Chunk.toReadonlyArray(Chunk.take(found, limit))
      return new ListFiles.ListFilesResponse({
        data,
        firstId: Option.getOrNull(Option.map(Arr.head(data), ({ id }) => id)),
        lastId: Option.getOrNull(Option.map(Arr.last(data), ({ id }) => id)),
        hasMore: found.length > limit
      })
    })
  )
}

const routeNotFound = Option.liftPredicate((u: unknown) => u instanceof HttpServerError.RouteNotFound)

/**
 * Answers a request that no route takes with the documented envelope, which the routes of an `HttpApi` themselves answer
 * without a body. For an `HttpApi` of your own, beside its groups.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNotFound: Layer.Layer<never> = HttpApiBuilder.middleware(
  Effect.catchSomeCause((cause: Cause.Cause<unknown>) =>
    Option.map(
      Option.flatMap(Cause.failureOption(cause), routeNotFound),
      () =>
        Effect.map(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
          // What stands after the path may be a secret.
          const [path] = url.split("?")
          return errorReply(404, { message: `Invalid URL (${method} ${path})` })
        })
    )
  )
)

/**
 * A whole `UploadsApi`, ready for `HttpApiBuilder.serve`.
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
