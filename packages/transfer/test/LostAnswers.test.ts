import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import { UploadAlreadyCompleted } from "@effect-uploads/domain/UploadError"
import { RequestTimeout, ServiceUnavailable } from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { bytesOf, calls, changed, during, expectFiles, services, statuses, test } from "./fixtures.js"

const data = bytesOf(3000)
const options = { purpose: "user_data", filename: "data.bin", partSize: 1000 } as const

/** The service completes the Upload, nobody hears of it, and a second attempt hears that it is done. */
const completedUnheard = (told: "its File" | "no more") =>
  changed((uploads) => ({
    complete: (id, request) =>
      Effect.zipRight(uploads.complete(id, request), uploads.complete(id, request)).pipe(
        Effect.mapError((error) =>
          error._tag === "UploadAlreadyCompleted" && told === "no more"
            ? new UploadAlreadyCompleted({ uploadId: error.uploadId })
            : error
        )
      )
  }))

/** The service completes the Upload, and the client gives up waiting for the answer. */
const completedInSilence = changed((uploads) => ({
  complete: (id, request) => Effect.zipRight(uploads.complete(id, request), new RequestTimeout({}))
}))

const storedUpload = Effect.gen(function*() {
  const { uploadsTest } = yield* services
  const [upload] = yield* uploadsTest.uploads
  return upload
})

describe("a completion whose answer was lost", () => {
  for (const told of ["its File", "no more"] as const) {
    test(`is found where the service tells ${told}`, () =>
      Effect.gen(function*() {
        const completed = yield* Transfer.bytes(data, options).pipe(completedUnheard(told))
        expect(completed).toEqual(yield* storedUpload)
        expect(yield* calls("cancel")).toBe(0)
        yield* expectFiles(data)
      }))
  }

  test("is told from Files of another name, size, purpose and time", () =>
    Effect.gen(function*() {
      yield* Transfer.bytes(data.subarray(1), options)
      yield* Transfer.bytes(data, { ...options, filename: "another" })
      yield* Transfer.bytes(data, { ...options, purpose: "assistants" })
      yield* Transfer.bytes(data, options)
      yield* TestClock.adjust("1 second")
      const completed = yield* Transfer.bytes(data, options).pipe(completedUnheard("no more"))
      expect((yield* (yield* services).uploadsTest.uploads).at(-1)).toEqual(completed)
    }))

  test("is not guessed at where two Files may be it", () =>
    Effect.gen(function*() {
      yield* Transfer.bytes(data, options)
      const error = yield* Transfer.bytes(data, options).pipe(completedUnheard("no more"), Effect.flip)
      const { uploadsTest } = yield* services
      expect(error).toMatchObject({
        _tag: "UploadAlreadyCompleted",
        uploadId: (yield* uploadsTest.uploads).at(-1)?.id
      })
      expect(error).not.toHaveProperty("fileId")
    }))

  test("is not made up where no File is it", () =>
    Effect.gen(function*() {
      const error = yield* Transfer.bytes(data, options).pipe(
        changed(() => ({ complete: (uploadId) => new UploadAlreadyCompleted({ uploadId }) })),
        Effect.flip
      )
      expect(error._tag).toBe("UploadAlreadyCompleted")
    }))

  test("is said with what is known where the File cannot be asked for", () =>
    Effect.gen(function*() {
      const { filesTest } = yield* services
      yield* filesTest.failNext("retrieve", new ServiceUnavailable({}))
      const error = yield* Transfer.bytes(data, options).pipe(completedUnheard("its File"), Effect.flip)
      const [file] = yield* filesTest.files
      expect(error).toMatchObject({ _tag: "UploadAlreadyCompleted", fileId: file?.file.id })
      yield* filesTest.failNext("list", new ServiceUnavailable({}))
      const unnamed = yield* Transfer.bytes(data.subarray(1), options).pipe(completedUnheard("no more"), Effect.flip)
      expect(unnamed._tag).toBe("UploadAlreadyCompleted")
    }))

  for (const told of ["its File", "no more"] as const) {
    it.effect(`is said with what is known where there is no FilesService, and the service tells ${told}`, () =>
      Effect.gen(function*() {
        const error = yield* Transfer.bytes(data, options).pipe(completedUnheard(told), Effect.flip)
        const { uploads } = yield* UploadsMemory.UploadsServiceTest
        const [upload] = yield* uploads
        expect(upload?.status).toBe("completed")
        expect(error).toMatchObject({ _tag: "UploadAlreadyCompleted", uploadId: upload?.id })
        expect("fileId" in error ? error.fileId : undefined).toBe(
          told === "its File" && upload?.status === "completed" ? upload.file.id : undefined
        )
      }).pipe(Effect.provide(UploadsMemory.layerTest)))
  }
})

describe("a completion that nobody heard of", () => {
  test("is found when its Upload is to be cancelled", () =>
    Effect.gen(function*() {
      const completed = yield* Transfer.bytes(data, options).pipe(completedInSilence)
      expect(completed).toEqual(yield* storedUpload)
      expect(yield* calls("cancel")).toBe(1)
    }))

  it.effect("is said when its Upload is to be cancelled and there is no FilesService", () =>
    Effect.gen(function*() {
      const error = yield* Transfer.bytes(data, options).pipe(completedInSilence, Effect.flip)
      expect(error._tag).toBe("UploadAlreadyCompleted")
    }).pipe(Effect.provide(UploadsMemory.layerTest)))

  test("did not happen where the Upload can be cancelled", () =>
    Effect.gen(function*() {
      const error = yield* Transfer.bytes(data, options).pipe(
        changed(() => ({ complete: () => new RequestTimeout({}) })),
        Effect.flip
      )
      expect(error._tag).toBe("RequestTimeout")
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("is found after the hour that cut it off", () =>
    Effect.gen(function*() {
      const completed = yield* Transfer.bytes(data, options).pipe(
        changed((uploads) => ({
          complete: (id, request) => Effect.zipRight(uploads.complete(id, request), Effect.never)
        })),
        during("1 hour")
      )
      expect(completed).toEqual(yield* storedUpload)
    }))

  test("of another is not taken for that of this transfer", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      const fileId = FileId.make("file-1")
      yield* uploadsTest.failNext("addPart", new RequestTimeout({}))
      yield* uploadsTest.failNext("cancel", new UploadAlreadyCompleted({ uploadId: UploadId.make("u"), fileId }))
      const error = yield* Transfer.bytes(data, { ...options, retryPolicy: Schedule.recurs(0) }).pipe(Effect.flip)
      expect(error).toMatchObject({ _tag: "UploadAlreadyCompleted", fileId })
    }))
})
