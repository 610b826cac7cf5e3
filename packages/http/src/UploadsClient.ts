/**
 * `UploadsService` over HTTP: a client of the OpenAI API, or of another service with the same API.
 *
 * @since 0.1.0
 */
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { ClientOptions, ClientOptionsConfig } from "./ClientOptions.js"
import { fromConfig } from "./ClientOptions.js"
import * as attempts from "./internal/client/attempts.js"
import { ReportsBlobProgress } from "./internal/client/blobBody.js"
import { jsonDecoder, makeCall } from "./internal/client/call.js"
import * as errorRules from "./internal/client/errorRules.js"
import * as partRequest from "./internal/client/partRequest.js"
import { pathSegment, postJson } from "./internal/client/request.js"
import * as UploadsMetrics from "./UploadsMetrics.js"
import type { Service } from "./UploadsService.js"
import { UploadsService } from "./UploadsService.js"

const decoders = {
  pending: jsonDecoder(Upload.Pending),
  part: jsonDecoder(UploadPart),
  completed: jsonDecoder(Upload.Completed),
  cancelled: jsonDecoder(Upload.Cancelled)
}

/** A browser cannot send a stream over HTTP/1.1, and some cannot at all. Browsers, and no other runtimes, call themselves so. */
const defaultForm = (): "stream" | "blob" =>
  /^Mozilla\//.test(globalThis.navigator?.userAgent ?? "") ? "blob" : "stream"

/**
 * A client of the Uploads API. Needs the `HttpClient` of a platform, such as `FetchHttpClient.layer`.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import * as UploadsClient from "@effect-uploads/http/UploadsClient"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * export const client = UploadsClient.make({ apiKey: Redacted.make("sk-…") }).pipe(Effect.provide(FetchHttpClient.layer))
 * ```
 */
export const make = (options: ClientOptions): Effect.Effect<Service, never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const call = makeCall(yield* attempts.make(options), options)
    const limits = yield* UploadLimits
    const reportsProgress = yield* ReportsBlobProgress
    const form = options.partBody ?? defaultForm()

    return {
      create: Effect.fn("UploadsService.create")(function*(request) {
        yield* Effect.annotateCurrentSpan({ bytes: request.bytes })
        const valid = yield* CreateUpload.validate(request, limits)
        const upload = yield* call({
          name: "uploads.create",
          request: postJson("/uploads", CreateUpload.CreateUpload, valid),
          createsUpload: true,
          // Some services leave out of the Upload what the request tells, or have null there. A new Upload is pending.
          success: (body) => {
            const { bytes, filename, purpose } = valid
            return decoders.pending(body, (upload) => ({ bytes, filename, purpose, status: "pending", ...upload }))
          },
          errorRules: errorRules.create
        })
        yield* Effect.annotateCurrentSpan({ uploadId: upload.id })
        return upload
      }),

      addPart: Effect.fn("UploadsService.addPart")(function*(uploadId, data) {
        yield* Effect.annotateCurrentSpan({ uploadId })
        const segment = yield* pathSegment("upload_id", uploadId)
        const { body, bytes, sourceFailure } = yield* partRequest.make(data, {
          uploadId,
          limits,
          form,
          reportsProgress
        })
        yield* Effect.annotateCurrentSpan({ bytes })
        const part = yield* call({
          name: "uploads.addPart",
          request: {
            make: Effect.map(
              body,
              (body) => HttpClientRequest.setBody(HttpClientRequest.post(`/uploads/${segment}/parts`), body)
            ),
            sourceFailure
          },
          // The first attempt may have stored the part, and then the Upload has no room for a second copy.
          afterAmbiguousFailure: (error, earlier) => Effect.fail(error._tag === "UploadSizeExceeded" ? earlier : error),
          success: decoders.part,
          errorRules: errorRules.addPart({ uploadId, bytes })
        })
        yield* Effect.annotateCurrentSpan({ partId: part.id })
        yield* Metric.update(UploadsMetrics.bytesSent, bytes)
        return part
      }),

      complete: Effect.fn("UploadsService.complete")(function*(uploadId, request) {
        yield* Effect.annotateCurrentSpan({ uploadId, parts: request.partIds.length })
        const segment = yield* pathSegment("upload_id", uploadId)
        const valid = yield* CompleteUpload.validate(request, limits)
        const upload = yield* call({
          name: "uploads.complete",
          request: postJson(`/uploads/${segment}/complete`, CompleteUpload.CompleteUpload, valid),
          success: decoders.completed,
          errorRules: errorRules.complete({ uploadId, ...valid })
        })
        yield* Effect.annotateCurrentSpan({ fileId: upload.file.id, bytes: upload.bytes })
        return upload
      }),

      cancel: Effect.fn("UploadsService.cancel")(function*(uploadId) {
        yield* Effect.annotateCurrentSpan({ uploadId })
        const segment = yield* pathSegment("upload_id", uploadId)
        return yield* call({
          name: "uploads.cancel",
          request: Effect.succeed(HttpClientRequest.post(`/uploads/${segment}/cancel`)),
          success: decoders.cancelled,
          errorRules: errorRules.cancel({ uploadId })
        })
      })
    }
  })

/**
 * `UploadsService` over HTTP. An option that cannot be sent, such as a URL without a host, makes each call fail with `InvalidRequest`.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as UploadsClient from "@effect-uploads/http/UploadsClient"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * export const service = UploadsClient.layer({
 *   apiKey: Redacted.make("sk-…"),
 *   apiUrl: "https://uploads.example.com/v1"
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 * ```
 */
export const layer = (options: ClientOptions): Layer.Layer<UploadsService, never, HttpClient.HttpClient> =>
  Layer.effect(UploadsService, make(options))

/**
 * {@link layer} with key, URL, organization and project from configuration: `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
 * `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID`, unless `options` has another `Config` for a value. Fails with `ConfigError` if the
 * key is missing.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as UploadsClient from "@effect-uploads/http/UploadsClient"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * export const service = Layer.provide(UploadsClient.layerConfig({ partBody: "blob" }), FetchHttpClient.layer)
 * ```
 */
export const layerConfig = (
  options?: ClientOptionsConfig
): Layer.Layer<UploadsService, ConfigError.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(UploadsService, Effect.flatMap(fromConfig(options), make))
