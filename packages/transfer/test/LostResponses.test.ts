import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import { UploadAlreadyCompleted } from "@effect-uploads/domain/UploadError"
import { IdempotencyKey } from "@effect-uploads/http/IdempotencyKey"
import { RequestTimeout, ServiceUnavailable } from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { bytesOf, calls, changed, during, expectFiles, services, statuses, test } from "./fixtures.js"

const data = bytesOf(3000)
const options = { purpose: "user_data", filename: "data.bin", partSize: 1000 } as const

/**
 * The service completes the Upload, the response is lost, and a second attempt fails with UploadAlreadyCompleted: the service
 * knows no idempotency keys.
 */
const completedTwice = (response: "with the id of the File" | "without the id of the File") =>
  changed((uploads) => ({
    complete: (id, request) =>
      Effect.zipRight(uploads.complete(id, request), uploads.complete(id, request)).pipe(
        Effect.provideService(IdempotencyKey, Option.none()),
        Effect.mapError((error) =>
          error._tag === "UploadAlreadyCompleted" && response === "without the id of the File"
            ? new UploadAlreadyCompleted({ uploadId: error.uploadId })
            : error
        )
      )
  }))

/** The service completes the Upload, and the client times out before the response. */
const completedThenTimeout = changed((uploads) => ({
  complete: (id, request) => Effect.zipRight(uploads.complete(id, request), new RequestTimeout({}))
}))

const storedUpload = Effect.gen(function*() {
  const { uploadsTest } = yield* services
  const [upload] = yield* uploadsTest.uploads
  return upload
})

describe("UploadAlreadyCompleted after a lost response", () => {
  for (const response of ["with the id of the File", "without the id of the File"] as const) {
    test(`returns the File when the service responds ${response}`, () =>
      Effect.gen(function*() {
        const completed = yield* Transfer.bytes(data, options).pipe(completedTwice(response))
        expect(completed).toEqual(yield* storedUpload)
        expect(yield* calls("cancel")).toBe(0)
        yield* expectFiles(data)
      }))
  }

  test("returns the File that has the name, size, purpose and time of the Upload", () =>
    Effect.gen(function*() {
      yield* Transfer.bytes(data.subarray(1), options)
      yield* Transfer.bytes(data, { ...options, filename: "another" })
      yield* Transfer.bytes(data, { ...options, purpose: "assistants" })
      yield* Transfer.bytes(data, options)
      yield* TestClock.adjust("1 second")
      const completed = yield* Transfer.bytes(data, options).pipe(completedTwice("without the id of the File"))
      expect((yield* (yield* services).uploadsTest.uploads).at(-1)).toEqual(completed)
    }))

  test("is the error when two Files match the Upload", () =>
    Effect.gen(function*() {
      yield* Transfer.bytes(data, options)
      const error = yield* Transfer.bytes(data, options).pipe(completedTwice("without the id of the File"), Effect.flip)
      const { uploadsTest } = yield* services
      expect(error).toMatchObject({
        _tag: "UploadAlreadyCompleted",
        uploadId: (yield* uploadsTest.uploads).at(-1)?.id
      })
      expect(error).not.toHaveProperty("fileId")
    }))

  test("is the error when no File matches the Upload", () =>
    Effect.gen(function*() {
      const error = yield* Transfer.bytes(data, options).pipe(
        changed(() => ({ complete: (uploadId) => new UploadAlreadyCompleted({ uploadId }) })),
        Effect.flip
      )
      expect(error._tag).toBe("UploadAlreadyCompleted")
    }))

  test("is the error, with the known id of the File, when the File cannot be retrieved", () =>
    Effect.gen(function*() {
      const { filesTest } = yield* services
      yield* filesTest.failNext("retrieve", new ServiceUnavailable({}))
      const error = yield* Transfer.bytes(data, options).pipe(completedTwice("with the id of the File"), Effect.flip)
      const [file] = yield* filesTest.files
      expect(error).toMatchObject({ _tag: "UploadAlreadyCompleted", fileId: file?.file.id })
      yield* filesTest.failNext("list", new ServiceUnavailable({}))
      const unnamed = yield* Transfer.bytes(data.subarray(1), options).pipe(
        completedTwice("without the id of the File"),
        Effect.flip
      )
      expect(unnamed._tag).toBe("UploadAlreadyCompleted")
    }))

  for (const response of ["with the id of the File", "without the id of the File"] as const) {
    it.effect(`is the error without a FilesService, when the service responds ${response}`, () =>
      Effect.gen(function*() {
        const error = yield* Transfer.bytes(data, options).pipe(completedTwice(response), Effect.flip)
        const { uploads } = yield* UploadsMemory.UploadsServiceTest
        const [upload] = yield* uploads
        expect(upload?.status).toBe("completed")
        expect(error).toMatchObject({ _tag: "UploadAlreadyCompleted", uploadId: upload?.id })
        expect("fileId" in error ? error.fileId : undefined).toBe(
          response === "with the id of the File" && upload?.status === "completed" ? upload.file.id : undefined
        )
      }).pipe(Effect.provide(UploadsMemory.layerTest)))
  }
})

describe("a completion without a response", () => {
  test("returns the File when the cancel finds that the Upload is completed", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const completed = yield* Transfer.bytes(data, options).pipe(
        completedThenTimeout,
        Effect.provide(Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logged.push(message))))
      )
      expect(completed).toEqual(yield* storedUpload)
      expect(logged).toEqual([])
      expect(yield* calls("cancel")).toBe(1)
    }))

  it.effect("fails with UploadAlreadyCompleted when the cancel finds that and there is no FilesService", () =>
    Effect.gen(function*() {
      const error = yield* Transfer.bytes(data, options).pipe(completedThenTimeout, Effect.flip)
      expect(error._tag).toBe("UploadAlreadyCompleted")
    }).pipe(Effect.provide(UploadsMemory.layerTest)))

  test("fails with the reason of the completion when the Upload can be cancelled", () =>
    Effect.gen(function*() {
      const error = yield* Transfer.bytes(data, options).pipe(
        changed(() => ({ complete: () => new RequestTimeout({}) })),
        Effect.flip
      )
      expect(error._tag).toBe("RequestTimeout")
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("returns the File although the Upload's lifetime ended before the response", () =>
    Effect.gen(function*() {
      const completed = yield* Transfer.bytes(data, options).pipe(
        changed((uploads) => ({
          complete: (id, request) => Effect.zipRight(uploads.complete(id, request), Effect.never)
        })),
        during("1 hour")
      )
      expect(completed).toEqual(yield* storedUpload)
    }))

  test("is not assumed for an Upload that this transfer had not yet completed", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      const fileId = FileId.make("file-1")
      yield* uploadsTest.failNext("addPart", new RequestTimeout({}))
      yield* uploadsTest.failNext("cancel", new UploadAlreadyCompleted({ uploadId: UploadId.make("u"), fileId }))
      const error = yield* Transfer.bytes(data, { ...options, retryPolicy: Schedule.recurs(0) }).pipe(Effect.flip)
      expect(error).toMatchObject({ _tag: "UploadAlreadyCompleted", fileId })
    }))
})
