// A call that must not compile stands for itself: its Effect is not run.
// @effect-diagnostics floatingEffect:off missingEffectError:off
import type { CompleteUpload } from "@effect-uploads/domain/CompleteUpload"
import type { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import type { FileNotFound } from "@effect-uploads/domain/FileError"
import type { FileId, UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import type * as UploadError from "@effect-uploads/domain/UploadError"
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
import type { ClientOptions, ClientOptionsConfig } from "@effect-uploads/http/ClientOptions"
import type { PartData, PartLengthMismatch, PartUnreadable } from "@effect-uploads/http/PartData"
import type * as ServiceError from "@effect-uploads/http/ServiceError"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as ConfigError from "effect/ConfigError"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { describe, expect, test } from "tstyche"

declare const service: UploadsService.Service
declare const handle: UploadsMemory.TestHandle
declare const uploadId: UploadId
declare const fileId: FileId
declare const errors: {
  readonly [Tag in AnyError["_tag"]]: Extract<AnyError, { readonly _tag: Tag }>
}

type AnyError = UploadsService.Errors[keyof UploadsService.Errors] | FileNotFound

/** What can happen to any request. */
type AnyRequest =
  | UploadError.InvalidRequest
  | ServiceError.Unauthenticated
  | ServiceError.PermissionDenied
  | ServiceError.RateLimited
  | ServiceError.QuotaExceeded
  | ServiceError.ServiceUnavailable
  | ServiceError.RequestTimeout
  | ServiceError.TransportFailed
  | ServiceError.ResponseMalformed

type AnyRequestTag =
  | "InvalidRequest"
  | "Unauthenticated"
  | "PermissionDenied"
  | "RateLimited"
  | "QuotaExceeded"
  | "ServiceUnavailable"
  | "RequestTimeout"
  | "TransportFailed"
  | "ResponseMalformed"

describe("the methods of UploadsService", () => {
  test("are four", () => {
    expect<keyof UploadsService.Service>().type.toBe<"create" | "addPart" | "complete" | "cancel">()
    expect<keyof UploadsService.Errors>().type.toBe<keyof UploadsService.Service>()
    expect<Context.Tag.Service<typeof UploadsService.UploadsService>>().type.toBe<UploadsService.Service>()
  })

  test("create", () => {
    expect<UploadsService.Service["create"]>().type.toBe<
      (request: CreateUpload) => Effect.Effect<Upload.Pending, AnyRequest>
    >()
    expect<UploadsService.CreateError["_tag"]>().type.toBe<AnyRequestTag>()
    expect<UploadsService.Errors["create"]>().type.toBe<UploadsService.CreateError>()
  })

  test("addPart", () => {
    expect<UploadsService.Service["addPart"]>().type.toBe<
      (uploadId: UploadId, data: PartData) => Effect.Effect<
        UploadPart,
        | AnyRequest
        | UploadError.UploadNotFound
        | UploadError.UploadAlreadyCompleted
        | UploadError.UploadAlreadyCancelled
        | UploadError.UploadExpired
        | UploadError.PartTooLarge
        | UploadError.UploadSizeExceeded
        | PartUnreadable
        | PartLengthMismatch
      >
    >()
    expect<UploadsService.AddPartError["_tag"]>().type.toBe<
      | AnyRequestTag
      | "UploadNotFound"
      | "UploadAlreadyCompleted"
      | "UploadAlreadyCancelled"
      | "UploadExpired"
      | "PartTooLarge"
      | "UploadSizeExceeded"
      | "PartUnreadable"
      | "PartLengthMismatch"
    >()
    expect<UploadsService.Errors["addPart"]>().type.toBe<UploadsService.AddPartError>()
  })

  test("complete", () => {
    expect<UploadsService.Service["complete"]>().type.toBe<
      (uploadId: UploadId, request: CompleteUpload) => Effect.Effect<
        Upload.Completed,
        | AnyRequest
        | UploadError.UploadNotFound
        | UploadError.UploadAlreadyCompleted
        | UploadError.UploadAlreadyCancelled
        | UploadError.UploadExpired
        | UploadError.PartNotFound
        | UploadError.BytesMismatch
        | UploadError.ChecksumMismatch
      >
    >()
    expect<UploadsService.CompleteError["_tag"]>().type.toBe<
      | AnyRequestTag
      | "UploadNotFound"
      | "UploadAlreadyCompleted"
      | "UploadAlreadyCancelled"
      | "UploadExpired"
      | "PartNotFound"
      | "BytesMismatch"
      | "ChecksumMismatch"
    >()
    expect<UploadsService.Errors["complete"]>().type.toBe<UploadsService.CompleteError>()
  })

  test("cancel", () => {
    expect<UploadsService.Service["cancel"]>().type.toBe<
      (uploadId: UploadId) => Effect.Effect<
        Upload.Cancelled,
        | AnyRequest
        | UploadError.UploadNotFound
        | UploadError.UploadAlreadyCompleted
        | UploadError.UploadAlreadyCancelled
        | UploadError.UploadExpired
      >
    >()
    expect<UploadsService.CancelError["_tag"]>().type.toBe<
      AnyRequestTag | "UploadNotFound" | "UploadAlreadyCompleted" | "UploadAlreadyCancelled" | "UploadExpired"
    >()
    expect<UploadsService.Errors["cancel"]>().type.toBe<UploadsService.CancelError>()
  })

  test("a tag that is caught is gone, and one that cannot happen cannot be caught", () => {
    expect(Effect.catchTag(service.cancel(uploadId), "UploadExpired", () => Effect.void)).type.toBe<
      Effect.Effect<void | Upload.Cancelled, Exclude<UploadsService.CancelError, UploadError.UploadExpired>>
    >()
    // @ts-expect-error is not assignable
    Effect.catchTag(service.cancel(uploadId), "PartTooLarge", () => Effect.void)
  })

  test("take ids of their own kind", () => {
    expect(service.cancel(uploadId)).type.toBe<Effect.Effect<Upload.Cancelled, UploadsService.CancelError>>()
    expect(service.cancel).type.not.toBeCallableWith("upload_1")
    expect(service.cancel).type.not.toBeCallableWith(fileId)
  })
})

describe("the layers of UploadsService", () => {
  test("a client needs an HttpClient and fails with nothing", () => {
    expect(UploadsClient.make).type.toBe<
      (options: ClientOptions) => Effect.Effect<UploadsService.Service, never, HttpClient.HttpClient>
    >()
    expect(UploadsClient.layer).type.toBe<
      (options: ClientOptions) => Layer.Layer<UploadsService.UploadsService, never, HttpClient.HttpClient>
    >()
  })

  test("from configuration it fails with ConfigError", () => {
    expect(UploadsClient.layerConfig).type.toBe<
      (options?: ClientOptionsConfig) => Layer.Layer<
        UploadsService.UploadsService,
        ConfigError.ConfigError,
        HttpClient.HttpClient
      >
    >()
    expect(UploadsClient.layerConfig).type.toBeCallableWith()
  })

  test("in memory it needs nothing and fails with nothing", () => {
    expect(UploadsMemory.layerMemory).type.toBe<Layer.Layer<UploadsService.UploadsService>>()
    expect(UploadsMemory.layerTest).type.toBe<
      Layer.Layer<UploadsService.UploadsService | UploadsMemory.UploadsServiceTest>
    >()
  })
})

describe("the handle of layerTest", () => {
  test("shows Uploads of any state, and the bytes of parts", () => {
    expect(handle.uploads).type.toBe<Effect.Effect<ReadonlyArray<Upload.Upload>>>()
    expect(handle.parts).type.toBe<
      (uploadId: UploadId) => Effect.Effect<ReadonlyArray<{ readonly part: UploadPart; readonly bytes: Uint8Array }>>
    >()
  })

  test("counts the runs of each method", () => {
    expect(handle.calls("addPart")).type.toBe<Effect.Effect<number>>()
  })

  test("each error of create makes it fail, and no other", () => {
    expect<Parameters<typeof handle.failNext<"create">>>().type.toBe<
      [method: "create", error: UploadsService.CreateError]
    >()
    expect(handle.failNext).type.toBeCallableWith("create", errors.InvalidRequest)
    expect(handle.failNext).type.toBeCallableWith("create", errors.Unauthenticated)
    expect(handle.failNext).type.toBeCallableWith("create", errors.PermissionDenied)
    expect(handle.failNext).type.toBeCallableWith("create", errors.RateLimited)
    expect(handle.failNext).type.toBeCallableWith("create", errors.QuotaExceeded)
    expect(handle.failNext).type.toBeCallableWith("create", errors.ServiceUnavailable)
    expect(handle.failNext).type.toBeCallableWith("create", errors.RequestTimeout)
    expect(handle.failNext).type.toBeCallableWith("create", errors.TransportFailed)
    expect(handle.failNext).type.toBeCallableWith("create", errors.ResponseMalformed)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.UploadNotFound)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.UploadAlreadyCompleted)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.UploadAlreadyCancelled)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.UploadExpired)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.PartTooLarge)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.UploadSizeExceeded)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.PartUnreadable)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.PartLengthMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.PartNotFound)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.BytesMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.ChecksumMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("create", errors.FileNotFound)
  })

  test("each error of addPart makes it fail, and no other", () => {
    expect<Parameters<typeof handle.failNext<"addPart">>>().type.toBe<
      [method: "addPart", error: UploadsService.AddPartError]
    >()
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.InvalidRequest)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.Unauthenticated)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.PermissionDenied)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.RateLimited)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.QuotaExceeded)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.ServiceUnavailable)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.RequestTimeout)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.TransportFailed)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.ResponseMalformed)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.UploadNotFound)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.UploadAlreadyCompleted)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.UploadAlreadyCancelled)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.UploadExpired)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.PartTooLarge)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.UploadSizeExceeded)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.PartUnreadable)
    expect(handle.failNext).type.toBeCallableWith("addPart", errors.PartLengthMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("addPart", errors.PartNotFound)
    expect(handle.failNext).type.not.toBeCallableWith("addPart", errors.BytesMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("addPart", errors.ChecksumMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("addPart", errors.FileNotFound)
  })

  test("each error of complete makes it fail, and no other", () => {
    expect<Parameters<typeof handle.failNext<"complete">>>().type.toBe<
      [method: "complete", error: UploadsService.CompleteError]
    >()
    expect(handle.failNext).type.toBeCallableWith("complete", errors.InvalidRequest)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.Unauthenticated)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.PermissionDenied)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.RateLimited)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.QuotaExceeded)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.ServiceUnavailable)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.RequestTimeout)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.TransportFailed)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.ResponseMalformed)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.UploadNotFound)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.UploadAlreadyCompleted)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.UploadAlreadyCancelled)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.UploadExpired)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.PartNotFound)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.BytesMismatch)
    expect(handle.failNext).type.toBeCallableWith("complete", errors.ChecksumMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("complete", errors.PartTooLarge)
    expect(handle.failNext).type.not.toBeCallableWith("complete", errors.UploadSizeExceeded)
    expect(handle.failNext).type.not.toBeCallableWith("complete", errors.PartUnreadable)
    expect(handle.failNext).type.not.toBeCallableWith("complete", errors.PartLengthMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("complete", errors.FileNotFound)
  })

  test("each error of cancel makes it fail, and no other", () => {
    expect<Parameters<typeof handle.failNext<"cancel">>>().type.toBe<
      [method: "cancel", error: UploadsService.CancelError]
    >()
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.InvalidRequest)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.Unauthenticated)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.PermissionDenied)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.RateLimited)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.QuotaExceeded)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.ServiceUnavailable)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.RequestTimeout)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.TransportFailed)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.ResponseMalformed)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.UploadNotFound)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.UploadAlreadyCompleted)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.UploadAlreadyCancelled)
    expect(handle.failNext).type.toBeCallableWith("cancel", errors.UploadExpired)
    expect(handle.failNext).type.not.toBeCallableWith("cancel", errors.PartTooLarge)
    expect(handle.failNext).type.not.toBeCallableWith("cancel", errors.UploadSizeExceeded)
    expect(handle.failNext).type.not.toBeCallableWith("cancel", errors.PartUnreadable)
    expect(handle.failNext).type.not.toBeCallableWith("cancel", errors.PartLengthMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("cancel", errors.PartNotFound)
    expect(handle.failNext).type.not.toBeCallableWith("cancel", errors.BytesMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("cancel", errors.ChecksumMismatch)
    expect(handle.failNext).type.not.toBeCallableWith("cancel", errors.FileNotFound)
  })

  test("fails with nothing itself", () => {
    expect(handle.failNext).type.toBe<
      <Method extends keyof UploadsService.Errors>(
        method: Method,
        error: UploadsService.Errors[Method]
      ) => Effect.Effect<void>
    >()
  })

  test("knows no other method", () => {
    expect<Parameters<typeof handle.failNext>[0]>().type.toBe<keyof UploadsService.Errors>()
    expect<Parameters<typeof handle.calls>>().type.toBe<[method: keyof UploadsService.Errors]>()
  })
})
