/**
 * The Uploads API as a service: create an Upload, add Parts, complete or cancel it.
 *
 * This module holds the interface, its errors and the tag. Implementations live elsewhere: `UploadsClient` calls a service
 * over HTTP, `UploadsMemory` keeps Uploads in memory, and `UploadsRoutes` serves any implementation over HTTP.
 *
 * @since 0.1.0
 */
import type * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import type * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import type { UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
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
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { PartData, PartDataError } from "./PartData.js"
import type { ServiceError } from "./ServiceError.js"

/**
 * The errors of `create`.
 *
 * @since 0.1.0
 * @category errors
 */
export type CreateError = InvalidRequest | ServiceError

/**
 * The errors of `addPart`.
 *
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
 * The errors of `complete`.
 *
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
 * The errors of `cancel`.
 *
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
 * The Uploads API: one method for each operation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Creates an Upload of `bytes` bytes. It stays pending for one hour.
   *
   * If the response cannot be decoded, `ResponseMalformed` has the `uploadId`, where the response has one: cancel that Upload.
   *
   * An invalid request fails with `InvalidRequest` before anything is sent. If the response to the first attempt is lost, the
   * retry creates a second Upload. The first one expires by itself.
   */
  readonly create: (request: CreateUpload.CreateUpload) => Effect.Effect<Upload.Pending, CreateError>

  /**
   * Adds a part of at most 64 MiB to an Upload. Parts may be added concurrently and in any order.
   *
   * If the response to the first attempt is lost, the service may have stored the part. If the Upload then has no room for
   * the retry, the error is that of the first attempt, not `UploadSizeExceeded`.
   */
  readonly addPart: (uploadId: UploadId, data: PartData) => Effect.Effect<UploadPart, AddPartError>

  /**
   * Turns the listed parts, in their order, into a File.
   *
   * After a lost response, `UploadAlreadyCompleted` may mean that the first attempt completed the Upload: the File exists then.
   */
  readonly complete: (
    uploadId: UploadId,
    request: CompleteUpload.CompleteUpload
  ) => Effect.Effect<Upload.Completed, CompleteError>

  /**
   * Cancels an Upload. Its parts are discarded, and it accepts no more parts.
   *
   * If the response to the first attempt is lost, the retry fails with `UploadAlreadyCancelled`. The API cannot be asked for
   * the Upload, so there is no Upload to return. The Upload *is* cancelled: a caller who needs no more than that treats this
   * error as success.
   */
  readonly cancel: (uploadId: UploadId) => Effect.Effect<Upload.Cancelled, CancelError>
}

/**
 * The tag of {@link Service}. `UploadsClient.layer` and `UploadsMemory.layerMemory` provide it.
 *
 * @since 0.1.0
 * @category services
 * @example
 * ```ts
 * import { UploadsService } from "@effect-uploads/http/UploadsService"
 * import * as Effect from "effect/Effect"
 *
 * export const put = (filename: string, data: Uint8Array) =>
 *   Effect.gen(function*() {
 *     const uploads = yield* UploadsService
 *     const { id } = yield* uploads.create({
 *       filename,
 *       bytes: data.byteLength,
 *       purpose: "fine-tune",
 *       mimeType: "text/jsonl"
 *     })
 *     const part = yield* uploads.addPart(id, data)
 *     return yield* uploads.complete(id, { partIds: [part.id] })
 *   })
 * ```
 */
export class UploadsService extends Context.Tag("@effect-uploads/http/UploadsService")<UploadsService, Service>() {}
