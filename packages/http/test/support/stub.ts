import { FileNotFound } from "@effect-uploads/domain/FileError"
import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import {
  BytesMismatch,
  ChecksumMismatch,
  InvalidRequest,
  PartNotFound,
  PartTooLarge,
  UploadAlreadyCancelled,
  UploadAlreadyCompleted,
  UploadExpired,
  UploadNotFound,
  UploadSizeExceeded
} from "@effect-uploads/domain/UploadError"
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import type { ApiError } from "@effect-uploads/http/ErrorMapping"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import { ServiceError } from "@effect-uploads/http/ServiceError"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Both } from "./server.js"
import { testKey } from "./server.js"

/** An `HttpClient` without a network. */
export const stubHttpClient = (
  respond: (
    request: HttpClientRequest.HttpClientRequest,
    signal: AbortSignal
  ) => Effect.Effect<Response, HttpClientError.HttpClientError>
): HttpClient.HttpClient =>
  HttpClient.make((request, _url, signal) =>
    Effect.map(respond(request, signal), (response) => HttpClientResponse.fromWeb(request, response))
  )

/** A `Response` of any status: the constructor takes none beyond 200 to 599. */
export const respond = (
  status: number,
  body: ConstructorParameters<typeof Response>[0],
  headers?: HeadersInit
): Response => {
  const bodiless = [204, 205, 304].includes(status)
  const response = new Response(bodiless ? null : body, headers === undefined ? {} : { headers })
  return Object.defineProperty(response, "status", { value: status })
}

/** Both services as clients over an `HttpClient`, without retries unless the options have a policy. */
export const over = (client: HttpClient.HttpClient, options?: Partial<ClientOptions>): Layer.Layer<Both> => {
  const all = { apiKey: testKey, apiUrl: "https://stub.test/v1", retryPolicy: RetryPolicy.none, ...options }
  return Layer.merge(UploadsClient.layer(all), FilesClient.layer(all)).pipe(
    Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
  )
}

export const uploadId = UploadId.make("upload_1")
export const fileId = FileId.make("file-1")
export const partIds = [PartId.make("part_1"), PartId.make("part_10")]
export const partBytes = new Uint8Array(1000).fill(7)
export const md5 = "0123456789abcdef0123456789abcdef"

/** An Upload as a service describes it. */
export const uploadJson = (status: "pending" | "cancelled"): string =>
  JSON.stringify({
    id: uploadId,
    object: "upload",
    bytes: 10,
    created_at: 1,
    expires_at: 3601,
    filename: "a.jsonl",
    purpose: "batch",
    status
  })

/** A File as a service describes it. */
export const fileJson = JSON.stringify({
  id: fileId,
  object: "file",
  bytes: 1,
  created_at: 1,
  filename: "a",
  purpose: "batch"
})

export type Method = keyof UploadsService.Errors | keyof FilesService.Errors

/** A call of each method. */
export const calls: { readonly [M in Method]: Effect.Effect<unknown, ApiError, Both> } = {
  create: Effect.flatMap(
    UploadsService.UploadsService,
    (uploads) => uploads.create({ filename: "a.jsonl", purpose: "fine-tune", bytes: 1000, mimeType: "text/jsonl" })
  ),
  addPart: Effect.flatMap(UploadsService.UploadsService, (uploads) => uploads.addPart(uploadId, partBytes)),
  complete: Effect.flatMap(UploadsService.UploadsService, (uploads) => uploads.complete(uploadId, { partIds, md5 })),
  cancel: Effect.flatMap(UploadsService.UploadsService, (uploads) => uploads.cancel(uploadId)),
  retrieve: Effect.flatMap(FilesService.FilesService, (files) => files.retrieve(fileId)),
  content: Effect.flatMap(FilesService.FilesService, (files) => Stream.runCollect(files.content(fileId))),
  list: Effect.flatMap(FilesService.FilesService, (files) => Stream.runCollect(files.list())),
  delete: Effect.flatMap(FilesService.FilesService, (files) => files.delete(fileId))
}

export const methods: ReadonlyArray<Method> = [
  "create",
  "addPart",
  "complete",
  "cancel",
  "retrieve",
  "content",
  "list",
  "delete"
]

const notPending = Schema.Union(UploadNotFound, UploadAlreadyCompleted, UploadAlreadyCancelled, UploadExpired)
const ofFile = Schema.is(Schema.Union(InvalidRequest, FileNotFound, ServiceError))
const ofAny = Schema.is(Schema.Union(InvalidRequest, ServiceError))

/** Whether a method can fail with an error. */
export const isErrorOf: { readonly [M in Method]: (u: unknown) => boolean } = {
  create: ofAny,
  addPart: Schema.is(Schema.Union(InvalidRequest, ServiceError, notPending, PartTooLarge, UploadSizeExceeded)),
  complete: Schema.is(
    Schema.Union(InvalidRequest, ServiceError, notPending, PartNotFound, BytesMismatch, ChecksumMismatch)
  ),
  cancel: Schema.is(Schema.Union(InvalidRequest, ServiceError, notPending)),
  retrieve: ofFile,
  content: ofFile,
  list: ofAny,
  delete: ofFile
}
