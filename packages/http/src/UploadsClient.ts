/**
 * `UploadsService` as a client of a service that speaks the Uploads API over HTTP.
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
import * as internalClient from "./internal/client/client.js"
import * as readings from "./internal/client/errorRules.js"
import * as partRequest from "./internal/client/partRequest.js"
import * as requests from "./internal/client/request.js"
import * as UploadsMetrics from "./UploadsMetrics.js"
import type { Service } from "./UploadsService.js"
import { UploadsService } from "./UploadsService.js"

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
