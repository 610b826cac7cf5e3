/**
 * The Uploads API as a service: create an Upload, add Parts, complete or cancel it.
 *
 * One interface with HTTP on either side of it: {@link layer} is a client of a service that speaks the API,
 * {@link layerMemory} and {@link layerTest} are such a service in small, and `UploadsRoutes` serves whichever of them is in
 * the context.
 *
 * @since 0.1.0
 */
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import type { UploadId } from "@effect-uploads/domain/Ids"
import * as Upload from "@effect-uploads/domain/Upload"
import type {
  BytesMismatch,
  ChecksumMismatch,
  InvalidRequest,
  PartNotFound,
  PartTooLarge,
  UploadNotFound,
  UploadNotPending,
  UploadSizeExceeded
} from "@effect-uploads/domain/UploadError"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { ClientOptions, ClientOptionsConfig } from "./ClientOptions.js"
import { fromConfig } from "./ClientOptions.js"
import * as internalClient from "./internal/client/client"
import * as memory from "./internal/memory/store"
import * as partRequest from "./internal/client/partRequest"
import * as probes from "./internal/memory/callRecorder"
import * as readings from "./internal/client/errorRules"
import * as requests from "./internal/client/request"
import type { PartData, PartDataError } from "./PartData.js"
import type { ServiceError } from "./ServiceError.js"
import * as UploadsMetrics from "./UploadsMetrics.js"

/**
 * @since 0.1.0
 * @category errors
 */
export type CreateError = InvalidRequest | ServiceError

/**
 * @since 0.1.0
 * @category errors
 */
export type AddPartError =
  | InvalidRequest
  | UploadNotFound
  | UploadNotPending
  | PartTooLarge
  | UploadSizeExceeded
  | PartDataError
  | ServiceError

/**
 * @since 0.1.0
 * @category errors
 */
export type CompleteError =
  | InvalidRequest
  | UploadNotFound
  | UploadNotPending
  | PartNotFound
  | BytesMismatch
  | ChecksumMismatch
  | ServiceError

/**
 * @since 0.1.0
 * @category errors
 */
export type CancelError = InvalidRequest | UploadNotFound | UploadNotPending | ServiceError

/**
 * The errors of each method.
 *
 * @since 0.1.0
 * @category errors
 */
export interface Errors {
  readonly create: CreateError
  readonly addPart: AddPartError
  readonly complete: CompleteError
  readonly cancel: CancelError
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Starts an Upload of `bytes` bytes, which stays pending for an hour.
   *
   * A request that cannot be right fails with `InvalidRequest` before anything is sent. Where the answer to a first attempt
   * was lost, a retry leaves a second Upload behind, which expires by itself.
   */
  readonly create: (request: CreateUpload.CreateUpload) => Effect.Effect<Upload.Pending, CreateError>

  /**
   * Adds up to 64 MiB to an Upload. Parts may be added side by side and in any order.
   *
   * Where the answer to a first attempt was lost, the service may have the part without our knowing its id, and counts it:
   * when it then has no room for the retry, the failure is that of the first attempt, not `UploadSizeExceeded`.
   */
  readonly addPart: (uploadId: UploadId, data: PartData) => Effect.Effect<UploadPart, AddPartError>

  /**
   * Turns the listed parts, in their order, into a File.
   *
   * `UploadAlreadyCompleted` may mean that an earlier attempt did it and its answer was lost: the File exists.
   */
  readonly complete: (
    uploadId: UploadId,
    request: CompleteUpload.CompleteUpload
  ) => Effect.Effect<Upload.Completed, CompleteError>

  /**
   * Gives an Upload up: its parts are discarded, and it takes no more.
   *
   * Where the answer to a first attempt was lost and the retry hears that the Upload is cancelled already, this fails with
   * `UploadAlreadyCancelled`: the API has no way to ask for the Upload, and one is not made up. The Upload *is* cancelled,
   * so a caller who wants no more than that treats the error as success.
   */
  readonly cancel: (uploadId: UploadId) => Effect.Effect<Upload.Cancelled, CancelError>
}

/**
 * @since 0.1.0
 * @category services
 */
export class UploadsService extends Context.Tag("@effect-uploads/http/UploadsService")<UploadsService, Service>() {}

const answers = {
  pending: internalClient.answer(Upload.Pending),
  part: internalClient.answer(UploadPart),
  completed: internalClient.answer(Upload.Completed),
  cancelled: internalClient.answer(Upload.Cancelled)
}

/**
 * A client of a service that speaks the Uploads API.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: ClientOptions): Effect.Effect<Service, never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const client = yield* internalClient.make(options)
    const limits = yield* UploadLimits

    return {
      create: Effect.fn("UploadsService.create")(function*(request) {
        yield* Effect.annotateCurrentSpan({ bytes: request.bytes })
        const valid = yield* CreateUpload.validate(request, limits)
        const upload = yield* client.call({
          name: "uploads.create",
          request: requests.json("/uploads", CreateUpload.CreateUpload, valid),
          success: answers.pending,
          reading: readings.create
        })
        yield* Effect.annotateCurrentSpan({ uploadId: upload.id })
        return upload
      }),

      addPart: Effect.fn("UploadsService.addPart")(function*(uploadId, data) {
        yield* Effect.annotateCurrentSpan({ uploadId })
        const segment = yield* requests.segment("upload_id", uploadId)
        const { body, bytes, sourceFailure } = yield* partRequest.make(data, {
          uploadId,
          limits,
          form: options.partBody
        })
        yield* Effect.annotateCurrentSpan({ bytes })
        const part = yield* client.call({
          name: "uploads.addPart",
          request: Effect.map(
            body,
            (body) => HttpClientRequest.setBody(HttpClientRequest.post(`/uploads/${segment}/parts`), body)
          ),
          sourceFailure,
          // The part may be stored, and then there is no room for it twice.
          afterUnheard: (error, earlier) => Effect.fail(error._tag === "UploadSizeExceeded" ? earlier : error),
          success: answers.part,
          reading: readings.addPart({ uploadId, bytes })
        })
        yield* Effect.annotateCurrentSpan({ partId: part.id })
        yield* Metric.update(UploadsMetrics.bytesSent, bytes)
        return part
      }),

      complete: Effect.fn("UploadsService.complete")(function*(uploadId, request) {
        yield* Effect.annotateCurrentSpan({ uploadId, parts: request.partIds.length })
        const segment = yield* requests.segment("upload_id", uploadId)
        const valid = yield* CompleteUpload.validate(request)
        const upload = yield* client.call({
          name: "uploads.complete",
          request: requests.json(`/uploads/${segment}/complete`, CompleteUpload.CompleteUpload, valid),
          success: answers.completed,
          reading: readings.complete({ uploadId, ...valid })
        })
        yield* Effect.annotateCurrentSpan({ fileId: upload.file.id, bytes: upload.bytes })
        return upload
      }),

      cancel: Effect.fn("UploadsService.cancel")(function*(uploadId) {
        yield* Effect.annotateCurrentSpan({ uploadId })
        const segment = yield* requests.segment("upload_id", uploadId)
        return yield* client.call({
          name: "uploads.cancel",
          request: Effect.succeed(HttpClientRequest.post(`/uploads/${segment}/cancel`)),
          success: answers.cancelled,
          reading: readings.cancel({ uploadId })
        })
      })
    }
  })

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: ClientOptions): Layer.Layer<UploadsService, never, HttpClient.HttpClient> =>
  Layer.effect(UploadsService, make(options))

/**
 * {@link layer} with key, URL, organization and project from configuration: `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
 * `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID`, unless `options` names other sources.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options?: ClientOptionsConfig
): Layer.Layer<UploadsService, ConfigError.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(UploadsService, Effect.flatMap(fromConfig(options), make))

/**
 * A real service in small: transitions, limits, expiry by the `Clock`, parts joined in the order of completion, md5
 * verified. Provided together with `FilesService.layerMemory` both work on the same files.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<UploadsService> = /*#__PURE__*/ Layer.suspend(() =>
  // As a call that is marked pure, it and the store are left out of the bundle of who only uses the client.
  Layer.provide(Layer.effect(UploadsService, Effect.map(memory.MemoryStore, (store) => store.uploads)), memory.layer)
)

/**
 * What a test sees of {@link layerTest}, and how it makes the next call fail.
 *
 * @since 0.1.0
 * @category models
 */
export interface TestHandle {
  /** All Uploads in the order of creation, each as it is at this moment of the `Clock`. */
  readonly uploads: Effect.Effect<ReadonlyArray<Upload.Upload>>
  /** The parts that a pending Upload holds, in the order in which they arrived. */
  readonly parts: (uploadId: UploadId) => Effect.Effect<ReadonlyArray<StoredPart>>
  /** How often a method ran, failed runs included. */
  readonly calls: (method: keyof Errors) => Effect.Effect<number>
  /** Makes the next run of a method fail, before it does anything. Further errors wait for further runs. */
  readonly failNext: <Method extends keyof Errors>(method: Method, error: Errors[Method]) => Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredPart {
  readonly part: UploadPart
  readonly bytes: Uint8Array
}

/**
 * @since 0.1.0
 * @category services
 */
export class UploadsServiceTest
  extends Context.Tag("@effect-uploads/http/UploadsServiceTest")<UploadsServiceTest, TestHandle>()
{}

/**
 * {@link layerMemory} with a handle for tests: what was stored, how often each method ran, and failures on demand.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTest: Layer.Layer<UploadsService | UploadsServiceTest> = /*#__PURE__*/ Layer.suspend(() =>
  Layer.provide(
    Layer.effectContext(Effect.gen(function*() {
      const store = yield* memory.MemoryStore
      const methods: { readonly [Method in keyof Errors]: probes.CallRecorder<Errors[Method]> } = {
        create: yield* probes.make(),
        addPart: yield* probes.make(),
        complete: yield* probes.make(),
        cancel: yield* probes.make()
      }
      const service: Service = {
        create: (request) => methods.create.effect(store.uploads.create(request)),
        addPart: (uploadId, data) => methods.addPart.effect(store.uploads.addPart(uploadId, data)),
        complete: (uploadId, request) => methods.complete.effect(store.uploads.complete(uploadId, request)),
        cancel: (uploadId) => methods.cancel.effect(store.uploads.cancel(uploadId))
      }
      const handle: TestHandle = {
        uploads: store.snapshot.uploads,
        parts: store.snapshot.parts,
        calls: (method) => methods[method].runs,
        failNext: (method, error) => methods[method].failNext(error)
      }
      return Context.make(UploadsService, service).pipe(Context.add(UploadsServiceTest, handle))
    })),
    memory.layer
  )
)
