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
