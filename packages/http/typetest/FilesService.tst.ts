// A call that must not compile stands for itself: its Effect is not run.
// @effect-diagnostics floatingEffect:off missingEffectError:off
import type { FileNotFound } from "@effect-uploads/domain/FileError"
import type { FileObject } from "@effect-uploads/domain/FileObject"
import type { FileId, UploadId } from "@effect-uploads/domain/Ids"
import type { InvalidRequest, UploadNotFound } from "@effect-uploads/domain/UploadError"
import type { ClientOptions, ClientOptionsConfig } from "@effect-uploads/http/ClientOptions"
import type { FileRange } from "@effect-uploads/http/FileRange"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import type * as FilesService from "@effect-uploads/http/FilesService"
import type { ListFiles } from "@effect-uploads/http/ListFiles"
import type * as ServiceError from "@effect-uploads/http/ServiceError"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as ConfigError from "effect/ConfigError"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { describe, expect, test } from "tstyche"

declare const service: FilesService.Service
declare const handle: FilesMemory.TestHandle
declare const uploadId: UploadId
declare const fileId: FileId
declare const errors: {
  readonly [Tag in AnyError["_tag"]]: Extract<AnyError, { readonly _tag: Tag }>
}

type AnyError = FilesService.Errors[keyof FilesService.Errors] | UploadNotFound

/** What can happen to any request. */
type AnyRequest =
  | InvalidRequest
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

describe("the methods of FilesService", () => {
  test("are four", () => {
    expect<keyof FilesService.Service>().type.toBe<"retrieve" | "content" | "list" | "delete">()
    expect<keyof FilesService.Errors>().type.toBe<keyof FilesService.Service>()
    expect<Context.Tag.Service<typeof FilesService.FilesService>>().type.toBe<FilesService.Service>()
  })

  test("retrieve", () => {
    expect<FilesService.Service["retrieve"]>().type.toBe<
      (fileId: FileId) => Effect.Effect<FileObject, AnyRequest | FileNotFound>
    >()
    expect<FilesService.RetrieveError["_tag"]>().type.toBe<AnyRequestTag | "FileNotFound">()
    expect<FilesService.Errors["retrieve"]>().type.toBe<FilesService.RetrieveError>()
  })

  test("content", () => {
    expect<FilesService.Service["content"]>().type.toBe<
      (fileId: FileId, range?: FileRange) => Stream.Stream<Uint8Array, AnyRequest | FileNotFound>
    >()
    expect<FilesService.ContentError["_tag"]>().type.toBe<AnyRequestTag | "FileNotFound">()
    expect<FilesService.Errors["content"]>().type.toBe<FilesService.ContentError>()
  })

  test("list", () => {
    expect<FilesService.Service["list"]>().type.toBe<
      (request?: ListFiles) => Stream.Stream<FileObject, AnyRequest>
    >()
    expect<FilesService.ListError["_tag"]>().type.toBe<AnyRequestTag>()
    expect<FilesService.Errors["list"]>().type.toBe<FilesService.ListError>()
    expect(service.list()).type.toBe<Stream.Stream<FileObject, FilesService.ListError>>()
    expect(service.list).type.not.toBeCallableWith({ order: "newest" })
  })

  test("delete", () => {
    expect<FilesService.Service["delete"]>().type.toBe<
      (fileId: FileId) => Effect.Effect<void, AnyRequest | FileNotFound>
    >()
    expect<FilesService.DeleteError["_tag"]>().type.toBe<AnyRequestTag | "FileNotFound">()
    expect<FilesService.Errors["delete"]>().type.toBe<FilesService.DeleteError>()
  })

  test("take ids of their own kind", () => {
    expect(service.retrieve(fileId)).type.toBe<Effect.Effect<FileObject, FilesService.RetrieveError>>()
    expect(service.retrieve).type.not.toBeCallableWith("file-1")
    expect(service.retrieve).type.not.toBeCallableWith(uploadId)
  })
})

describe("the layers of FilesService", () => {
  test("a client needs an HttpClient and fails with nothing", () => {
    expect(FilesClient.make).type.toBe<
      (options: ClientOptions) => Effect.Effect<FilesService.Service, never, HttpClient.HttpClient>
    >()
    expect(FilesClient.layer).type.toBe<
      (options: ClientOptions) => Layer.Layer<FilesService.FilesService, never, HttpClient.HttpClient>
    >()
  })

  test("from configuration it fails with ConfigError", () => {
    expect(FilesClient.layerConfig).type.toBe<
      (options?: ClientOptionsConfig) => Layer.Layer<
        FilesService.FilesService,
        ConfigError.ConfigError,
        HttpClient.HttpClient
      >
    >()
    expect(FilesClient.layerConfig).type.toBeCallableWith()
  })

  test("in memory it needs nothing and fails with nothing", () => {
    expect(FilesMemory.layerMemory).type.toBe<Layer.Layer<FilesService.FilesService>>()
    expect(FilesMemory.layerTest).type.toBe<
      Layer.Layer<FilesService.FilesService | FilesMemory.FilesServiceTest>
    >()
  })
})

describe("the handle of layerTest", () => {
  test("shows Files with their bytes", () => {
    expect(handle.files).type.toBe<
      Effect.Effect<ReadonlyArray<{ readonly file: FileObject; readonly bytes: Uint8Array }>>
    >()
  })

  test("counts the runs of each method", () => {
    expect(handle.calls("content")).type.toBe<Effect.Effect<number>>()
  })

  test("each error of retrieve makes it fail, and no other", () => {
    expect<Parameters<typeof handle.failNext<"retrieve">>>().type.toBe<
      [method: "retrieve", error: FilesService.RetrieveError]
    >()
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.InvalidRequest)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.Unauthenticated)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.PermissionDenied)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.RateLimited)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.QuotaExceeded)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.ServiceUnavailable)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.RequestTimeout)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.TransportFailed)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.ResponseMalformed)
    expect(handle.failNext).type.toBeCallableWith("retrieve", errors.FileNotFound)
    expect(handle.failNext).type.not.toBeCallableWith("retrieve", errors.UploadNotFound)
  })

  test("each error of content makes it fail, and no other", () => {
    expect<Parameters<typeof handle.failNext<"content">>>().type.toBe<
      [method: "content", error: FilesService.ContentError]
    >()
    expect(handle.failNext).type.toBeCallableWith("content", errors.InvalidRequest)
    expect(handle.failNext).type.toBeCallableWith("content", errors.Unauthenticated)
    expect(handle.failNext).type.toBeCallableWith("content", errors.PermissionDenied)
    expect(handle.failNext).type.toBeCallableWith("content", errors.RateLimited)
    expect(handle.failNext).type.toBeCallableWith("content", errors.QuotaExceeded)
    expect(handle.failNext).type.toBeCallableWith("content", errors.ServiceUnavailable)
    expect(handle.failNext).type.toBeCallableWith("content", errors.RequestTimeout)
    expect(handle.failNext).type.toBeCallableWith("content", errors.TransportFailed)
    expect(handle.failNext).type.toBeCallableWith("content", errors.ResponseMalformed)
    expect(handle.failNext).type.toBeCallableWith("content", errors.FileNotFound)
    expect(handle.failNext).type.not.toBeCallableWith("content", errors.UploadNotFound)
  })

  test("each error of list makes it fail, and no other", () => {
    expect<Parameters<typeof handle.failNext<"list">>>().type.toBe<[method: "list", error: FilesService.ListError]>()
    expect(handle.failNext).type.toBeCallableWith("list", errors.InvalidRequest)
    expect(handle.failNext).type.toBeCallableWith("list", errors.Unauthenticated)
    expect(handle.failNext).type.toBeCallableWith("list", errors.PermissionDenied)
    expect(handle.failNext).type.toBeCallableWith("list", errors.RateLimited)
    expect(handle.failNext).type.toBeCallableWith("list", errors.QuotaExceeded)
    expect(handle.failNext).type.toBeCallableWith("list", errors.ServiceUnavailable)
    expect(handle.failNext).type.toBeCallableWith("list", errors.RequestTimeout)
    expect(handle.failNext).type.toBeCallableWith("list", errors.TransportFailed)
    expect(handle.failNext).type.toBeCallableWith("list", errors.ResponseMalformed)
    expect(handle.failNext).type.not.toBeCallableWith("list", errors.FileNotFound)
    expect(handle.failNext).type.not.toBeCallableWith("list", errors.UploadNotFound)
  })

  test("each error of delete makes it fail, and no other", () => {
    expect<Parameters<typeof handle.failNext<"delete">>>().type.toBe<
      [method: "delete", error: FilesService.DeleteError]
    >()
    expect(handle.failNext).type.toBeCallableWith("delete", errors.InvalidRequest)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.Unauthenticated)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.PermissionDenied)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.RateLimited)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.QuotaExceeded)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.ServiceUnavailable)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.RequestTimeout)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.TransportFailed)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.ResponseMalformed)
    expect(handle.failNext).type.toBeCallableWith("delete", errors.FileNotFound)
    expect(handle.failNext).type.not.toBeCallableWith("delete", errors.UploadNotFound)
  })

  test("fails with nothing itself", () => {
    expect(handle.failNext).type.toBe<
      <Method extends keyof FilesService.Errors>(
        method: Method,
        error: FilesService.Errors[Method]
      ) => Effect.Effect<void>
    >()
  })

  test("knows no other method", () => {
    expect<Parameters<typeof handle.failNext>[0]>().type.toBe<keyof FilesService.Errors>()
    expect<Parameters<typeof handle.calls>>().type.toBe<[method: keyof FilesService.Errors]>()
  })
})
