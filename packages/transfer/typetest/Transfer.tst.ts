import type * as Upload from "@effect-uploads/domain/Upload"
import type { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import type * as TransferError from "@effect-uploads/transfer/TransferError"
import type * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import type * as TransferFiles from "@effect-uploads/transfer/TransferFiles"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as TransferSource from "@effect-uploads/transfer/TransferSource"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { describe, expect, test } from "tstyche"

declare const data: Uint8Array
declare const blob: Blob
declare const response: Response
declare const stream: Stream.Stream<Uint8Array, "broken", "a service">

const options = { purpose: "user_data" } as const
const named = { ...options, filename: "data.bin" } as const
const sized = { ...named, bytes: 10 } as const

type Sent<R> = Effect.Effect<Upload.Completed, TransferError.TransferError, R>
type Events<R> = Stream.Stream<TransferEvent.TransferEvent, TransferError.TransferError, R>

describe("Transfer", () => {
  test("requires the service and the requirements of its source", () => {
    expect(Transfer.file("a", options)).type.toBe<Sent<UploadsService | FileSystem.FileSystem>>()
    expect(Transfer.bytes(data, named)).type.toBe<Sent<UploadsService>>()
    expect(Transfer.blob(blob, options)).type.toBe<Sent<UploadsService>>()
    expect(Transfer.stream(stream, sized)).type.toBe<Sent<UploadsService | "a service">>()
    expect(Transfer.stream(stream, named)).type.toBe<Sent<UploadsService | "a service">>()
    expect(Transfer.response(response, options)).type.toBe<Sent<UploadsService>>()
    expect(Transfer.url("https://example.com", options)).type.toBe<Sent<UploadsService | HttpClient.HttpClient>>()
  })

  test("has the same errors and requirements as a stream of events", () => {
    expect(Transfer.fileEvents("a", options)).type.toBe<Events<UploadsService | FileSystem.FileSystem>>()
    expect(Transfer.bytesEvents(data, named)).type.toBe<Events<UploadsService>>()
    expect(Transfer.blobEvents(blob, options)).type.toBe<Events<UploadsService>>()
    expect(Transfer.streamEvents(stream, sized)).type.toBe<Events<UploadsService | "a service">>()
    expect(Transfer.responseEvents(response, options)).type.toBe<Events<UploadsService>>()
    expect(Transfer.urlEvents("https://example.com", options)).type.toBe<
      Events<UploadsService | HttpClient.HttpClient>
    >()
  })

  test("sends a set of files without failing", () => {
    expect(Transfer.files(["a"], options)).type.toBe<
      Effect.Effect<ReadonlyArray<TransferFiles.FileOutcome>, never, UploadsService | FileSystem.FileSystem>
    >()
    expect(Transfer.filesEvents(["a"], options)).type.toBe<
      Stream.Stream<TransferFiles.FilesEvent, never, UploadsService | FileSystem.FileSystem>
    >()
    expect(Transfer.files).type.not.toBeCallableWith(["a"], named)
  })

  test("requires for a set the requirements of its sources", () => {
    expect(Transfer.files(["a", TransferSource.bytes(data, named)], options)).type.toBe<
      Effect.Effect<ReadonlyArray<TransferFiles.FileOutcome>, never, UploadsService | FileSystem.FileSystem>
    >()
    expect(Transfer.filesEvents(["a", TransferSource.url("https://example.com")], options)).type.toBe<
      Stream.Stream<TransferFiles.FilesEvent, never, UploadsService | FileSystem.FileSystem | HttpClient.HttpClient>
    >()
  })

  test("fails with these errors and no others", () => {
    expect<TransferError.TransferError["_tag"]>().type.toBe<
      | "SourceEmpty"
      | "SourceTooLarge"
      | "SourceNotFound"
      | "SourceNotAFile"
      | "SourceUnreadable"
      | "SourceChanged"
      | "SourceLengthMismatch"
      | "InvalidRequest"
      | "UploadNotFound"
      | "UploadAlreadyCompleted"
      | "UploadAlreadyCancelled"
      | "UploadExpired"
      | "PartTooLarge"
      | "UploadSizeExceeded"
      | "PartUnreadable"
      | "PartLengthMismatch"
      | "PartNotFound"
      | "BytesMismatch"
      | "ChecksumMismatch"
      | "Unauthenticated"
      | "PermissionDenied"
      | "RateLimited"
      | "QuotaExceeded"
      | "ServiceUnavailable"
      | "RequestTimeout"
      | "TransportFailed"
      | "ResponseMalformed"
      | "TransferStalled"
      | "JournalFailed"
      | "TransferInProgress"
      | "TransferSuspended"
      | "UploadLeftPending"
    >()
  })

  test("no longer has an error that was caught", () => {
    const rest = Effect.catchTag(Transfer.bytes(data, named), "UploadLeftPending", () => Effect.void)
    expect<Effect.Effect.Error<typeof rest>>().type.toBe<
      Exclude<TransferError.TransferError, TransferError.UploadLeftPending>
    >()
  })

  test("emits these events", () => {
    expect<TransferEvent.TransferEvent["_tag"]>().type.toBe<
      "RequestRetrying" | "Started" | "Progress" | "PartDone" | "Retrying" | "TooSlow" | "Restarted" | "Completed"
    >()
  })

  test("requires a name for sources without one", () => {
    expect(Transfer.bytes).type.not.toBeCallableWith(data, options)
    expect(Transfer.stream).type.not.toBeCallableWith(stream, { ...options, bytes: 10 })
    expect(Transfer.file).type.not.toBeCallableWith("a", {})
  })
})

describe("TransferJournal", () => {
  test("has a layer for a store and one for memory", () => {
    expect(TransferJournal.layerKeyValueStore).type.toBe<
      Layer.Layer<TransferJournal.TransferJournal, never, KeyValueStore.KeyValueStore>
    >()
    expect(TransferJournal.layerMemory).type.toBe<Layer.Layer<TransferJournal.TransferJournal>>()
  })
})
