import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { FileNotFound } from "@effect-uploads/domain/FileError"
import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import { ChecksumMismatch, UploadExpired, UploadNotFound } from "@effect-uploads/domain/UploadError"
import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import { QuotaExceeded, ServiceUnavailable, TransportFailed } from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { ownFields, tagOf } from "./support/errors.js"

const bytes = new TextEncoder().encode("0123456789")
const request = {
  filename: "data.jsonl",
  purpose: "fine-tune" as const,
  bytes: bytes.byteLength,
  mimeType: "text/jsonl"
}

const both = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

type Both = Layer.Layer.Success<typeof both>

const test = <E>(title: string, effect: () => Effect.Effect<void, E, Both>) =>
  it.effect(title, () => Effect.provide(effect(), both))

const services = Effect.all({
  uploads: UploadsService.UploadsService,
  files: FilesService.FilesService,
  uploadsTest: UploadsMemory.UploadsServiceTest,
  filesTest: FilesMemory.FilesServiceTest
})

/** A whole file as one Upload. */
const put = (change: object = {}) =>
  Effect.gen(function*() {
    const { uploads } = yield* services
    const upload = yield* uploads.create({ ...request, ...change })
    const part = yield* uploads.addPart(upload.id, bytes)
    return (yield* uploads.complete(upload.id, { partIds: [part.id] })).file
  })

describe("the TestHandle's state", () => {
  test("has all Uploads in the order of creation, each in its current state", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      const statuses = Effect.map(uploadsTest.uploads, (all) => all.map(({ filename, status }) => [filename, status]))
      expect(yield* statuses).toEqual([])
      yield* put({ filename: "first" })
      const second = yield* uploads.create({ ...request, filename: "second" })
      yield* uploads.cancel(second.id)
      const third = yield* uploads.create({ ...request, filename: "third" })
      expect(yield* statuses).toEqual([["first", "completed"], ["second", "cancelled"], ["third", "pending"]])
      yield* TestClock.adjust("59 minutes")
      expect(yield* statuses).toContainEqual(["third", "pending"])
      yield* TestClock.adjust("1 minute")
      expect(yield* statuses).toEqual([["first", "completed"], ["second", "cancelled"], ["third", "expired"]])
      const last = (yield* uploadsTest.uploads).at(-1)
      expect(last).toEqual({ ...third, status: "expired" })
    }))

  test("has the parts of a pending Upload in the order of arrival, and none for an unknown one", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      const upload = yield* uploads.create(request)
      const other = yield* uploads.create(request)
      const first = yield* uploads.addPart(upload.id, bytes.subarray(6))
      const second = yield* uploads.addPart(
        upload.id,
        PartData.stream(Stream.make(bytes.subarray(0, 2), bytes.subarray(2, 6)), { bytes: 6 })
      )
      expect(yield* uploadsTest.parts(upload.id)).toEqual([
        { part: first, bytes: bytes.slice(6) },
        { part: second, bytes: bytes.slice(0, 6) }
      ])
      expect(yield* uploadsTest.parts(other.id)).toEqual([])
      expect(yield* uploadsTest.parts(UploadId.make("upload_unknown"))).toEqual([])
    }))

  test("has no parts of an Upload that is completed, cancelled or expired", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      const partsAfter = Effect.fnUntraced(function*(end: (id: UploadId) => Effect.Effect<unknown, unknown>) {
        const { id } = yield* uploads.create(request)
        yield* uploads.addPart(id, bytes)
        expect(yield* uploadsTest.parts(id)).toHaveLength(1)
        yield* end(id)
        return yield* uploadsTest.parts(id)
      })
      const complete = (id: UploadId) =>
        Effect.flatMap(
          uploadsTest.parts(id),
          (parts) => uploads.complete(id, { partIds: parts.map(({ part }) => part.id) })
        )
      expect(yield* partsAfter(complete)).toEqual([])
      expect(yield* partsAfter(uploads.cancel)).toEqual([])
      expect(yield* partsAfter(() => TestClock.adjust("1 hour"))).toEqual([])
    }))

  test("has all existing Files, oldest first, with their bytes", () =>
    Effect.gen(function*() {
      const { files, filesTest } = yield* services
      const first = yield* put({ filename: "first" })
      const second = yield* put({ filename: "second", expiresAfter: Duration.hours(2) })
      const third = yield* put({ filename: "third" })
      expect(yield* filesTest.files).toEqual([first, second, third].map((file) => ({ file, bytes })))
      yield* TestClock.adjust("2 hours")
      expect(yield* filesTest.files).toEqual([first, third].map((file) => ({ file, bytes })))
      yield* files.delete(first.id)
      expect(yield* filesTest.files).toEqual([{ file: third, bytes }])
    }))

  test("has copies of the stored bytes", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest, filesTest } = yield* services
      const upload = yield* uploads.create(request)
      yield* uploads.addPart(upload.id, bytes)
      for (const part of yield* uploadsTest.parts(upload.id)) part.bytes.fill(0)
      expect((yield* uploadsTest.parts(upload.id)).map((part) => part.bytes)).toEqual([bytes])
      yield* put()
      for (const file of yield* filesTest.files) file.bytes.fill(0)
      expect((yield* filesTest.files).map((file) => file.bytes)).toEqual([bytes])
    }))

  it.effect("uses the Clock of the test", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_000)
      const uploads = yield* UploadsService.UploadsService
      const upload = yield* uploads.create(request)
      expect(DateTime.toEpochMillis(upload.createdAt)).toBe(1_700_000_000_000)
    }).pipe(Effect.provide(UploadsMemory.layerTest)))
})

describe("calls", () => {
  test("counts runs that succeed, are rejected or fail on demand, for each method separately", () =>
    Effect.gen(function*() {
      const { files, filesTest, uploads, uploadsTest } = yield* services
      const calls = Effect.all({
        create: uploadsTest.calls("create"),
        addPart: uploadsTest.calls("addPart"),
        complete: uploadsTest.calls("complete"),
        cancel: uploadsTest.calls("cancel"),
        retrieve: filesTest.calls("retrieve"),
        content: filesTest.calls("content"),
        list: filesTest.calls("list"),
        delete: filesTest.calls("delete")
      })
      const none = { create: 0, addPart: 0, complete: 0, cancel: 0, retrieve: 0, content: 0, list: 0, delete: 0 }
      expect(yield* calls).toEqual(none)
      const file = yield* put()
      expect(yield* calls).toEqual({ ...none, create: 1, addPart: 1, complete: 1 })
      yield* Effect.flip(uploads.create({ ...request, bytes: -1 }))
      yield* Effect.flip(uploads.cancel(UploadId.make("upload_unknown")))
      yield* uploadsTest.failNext("cancel", new ServiceUnavailable({}))
      yield* Effect.flip(uploads.cancel(UploadId.make("upload_unknown")))
      yield* files.retrieve(file.id)
      yield* Stream.runDrain(files.list())
      yield* files.delete(file.id)
      yield* Effect.flip(files.delete(file.id))
      expect(yield* calls).toEqual({
        create: 2,
        addPart: 1,
        complete: 1,
        cancel: 2,
        retrieve: 1,
        content: 0,
        list: 1,
        delete: 2
      })
    }))

  test("counts runs: an Effect or a Stream that is not run does not count", () =>
    Effect.gen(function*() {
      const { files, filesTest, uploads, uploadsTest } = yield* services
      const file = yield* put()
      const create = uploads.create(request)
      const content = files.content(file.id)
      expect(yield* uploadsTest.calls("create")).toBe(1)
      expect(yield* filesTest.calls("content")).toBe(0)
      yield* Effect.repeatN(create, 2)
      yield* Effect.repeatN(Stream.runDrain(content), 1)
      expect(yield* uploadsTest.calls("create")).toBe(4)
      expect(yield* filesTest.calls("content")).toBe(2)
    }))
})

describe("failNext", () => {
  test("fails only the next run, with the given error and without any effect", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      const quota = new QuotaExceeded({})
      yield* uploadsTest.failNext("create", quota)
      expect(yield* Effect.flip(uploads.create(request))).toBe(quota)
      expect(yield* uploadsTest.uploads).toEqual([])

      const upload = yield* uploads.create(request)
      let reads = 0
      const data = PartData.stream(
        Stream.suspend(() => {
          reads++
          return Stream.make(bytes)
        }),
        { bytes: bytes.byteLength }
      )
      const broken = new TransportFailed({ reason: "reset" })
      yield* uploadsTest.failNext("addPart", broken)
      expect(yield* Effect.flip(uploads.addPart(upload.id, data))).toBe(broken)
      expect(yield* uploadsTest.parts(upload.id)).toEqual([])
      expect(reads).toBe(0)
      const part = yield* uploads.addPart(upload.id, data)
      expect(reads).toBe(1)

      const mismatch = new ChecksumMismatch({ uploadId: upload.id })
      yield* uploadsTest.failNext("complete", mismatch)
      expect(yield* Effect.flip(uploads.complete(upload.id, { partIds: [part.id] }))).toBe(mismatch)
      const expired = new UploadExpired({ uploadId: upload.id })
      yield* uploadsTest.failNext("cancel", expired)
      expect(yield* Effect.flip(uploads.cancel(upload.id))).toBe(expired)
      expect((yield* uploadsTest.uploads).map(({ status }) => status)).toEqual(["pending"])
      expect((yield* uploads.complete(upload.id, { partIds: [part.id] })).status).toBe("completed")
    }))

  test("fails the next run of every method of FilesService", () =>
    Effect.gen(function*() {
      const { files, filesTest } = yield* services
      const file = yield* put()
      const missing = new FileNotFound({ fileId: FileId.make("another") })
      const unavailable = new ServiceUnavailable({})
      yield* filesTest.failNext("retrieve", missing)
      yield* filesTest.failNext("content", missing)
      yield* filesTest.failNext("list", unavailable)
      yield* filesTest.failNext("delete", missing)
      expect(yield* Effect.flip(files.retrieve(file.id))).toBe(missing)
      expect(yield* Effect.flip(Stream.runDrain(files.content(file.id)))).toBe(missing)
      expect(yield* Effect.flip(Stream.runDrain(files.list()))).toBe(unavailable)
      expect(yield* Effect.flip(files.delete(file.id))).toBe(missing)
      expect(yield* filesTest.files).toHaveLength(1)
      expect(yield* files.retrieve(file.id)).toEqual(file)
      expect(Chunk.toReadonlyArray(yield* Stream.runCollect(files.content(file.id)))).toEqual([bytes])
      expect(Chunk.toReadonlyArray(yield* Stream.runCollect(files.list()))).toEqual([file])
      yield* files.delete(file.id)
    }))

  test("queues errors in order, for each method separately", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      const uploadId = UploadId.make("upload_unknown")
      yield* uploadsTest.failNext("cancel", new QuotaExceeded({}))
      yield* uploadsTest.failNext("cancel", new UploadExpired({ uploadId }))
      yield* uploadsTest.failNext("cancel", new ServiceUnavailable({}))
      const upload = yield* uploads.create(request)
      const ends = yield* Effect.forEach([1, 2, 3], () => Effect.flip(uploads.cancel(upload.id)))
      expect(ends.map(tagOf)).toEqual(["QuotaExceeded", "UploadExpired", "ServiceUnavailable"])
      expect((yield* uploads.cancel(upload.id)).status).toBe("cancelled")
    }))

  test("fails one of several concurrent runs", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      yield* uploadsTest.failNext("create", new QuotaExceeded({}))
      const [failed, made] = yield* Effect.partition([1, 2, 3, 4], () => uploads.create(request), {
        concurrency: "unbounded"
      })
      expect([failed.length, made.length]).toEqual([1, 3])
    }))
})

describe("layers", () => {
  const count = Effect.gen(function*() {
    const { uploads, uploadsTest } = yield* services
    yield* uploads.create(request)
    return [(yield* uploadsTest.uploads).length, yield* uploadsTest.calls("create")]
  })

  it.effect("that are provided twice share nothing", () =>
    Effect.gen(function*() {
      expect(yield* Effect.provide(count, both)).toEqual([1, 1])
      expect(yield* Effect.provide(count, both)).toEqual([1, 1])
      const [left, right] = yield* Effect.all([
        Effect.provide(Effect.zipRight(count, count), both),
        Effect.provide(count, both)
      ], { concurrency: "unbounded" })
      expect([left, right]).toEqual([[2, 2], [1, 1]])
    }))

  const uploadsLayers = { layerTest: UploadsMemory.layerTest, layerMemory: UploadsMemory.layerMemory }
  const filesLayers = { layerTest: FilesMemory.layerTest, layerMemory: FilesMemory.layerMemory }

  const shared = Effect.gen(function*() {
    const uploads = yield* UploadsService.UploadsService
    const files = yield* FilesService.FilesService
    const upload = yield* uploads.create(request)
    const part = yield* uploads.addPart(upload.id, bytes)
    const { file } = yield* uploads.complete(upload.id, { partIds: [part.id] })
    return Chunk.toReadonlyArray(yield* Stream.runCollect(files.content(file.id)))
  })

  for (const [uploadsName, uploadsLayer] of Object.entries(uploadsLayers)) {
    for (const [filesName, filesLayer] of Object.entries(filesLayers)) {
      it.effect(`UploadsService.${uploadsName} and FilesService.${filesName} share one store`, () =>
        Effect.gen(function*() {
          expect(yield* Effect.provide(shared, Layer.merge(uploadsLayer, filesLayer))).toEqual([bytes])
          expect(yield* Effect.provide(shared, Layer.provideMerge(uploadsLayer, filesLayer))).toEqual([bytes])
        }))
    }
  }

  it.effect("that are provided separately have a store each", () =>
    Effect.gen(function*() {
      const apart = shared.pipe(Effect.provide(UploadsMemory.layerTest), Effect.provide(FilesMemory.layerTest))
      expect(tagOf(yield* Effect.flip(apart))).toBe("FileNotFound")
    }))
})

describe("UploadLimits", () => {
  const limits = Layer.succeed(UploadLimits.UploadLimits, {
    partBytes: ByteSize.make(4),
    uploadBytes: ByteSize.make(20),
    surplusParts: 1,
    parts: 3,
    uploadLifetime: Duration.minutes(5)
  })

  it.effect("bound the number of parts, also of parts that arrive at the same time", () =>
    Effect.gen(function*() {
      const { uploads } = yield* services
      const { id } = yield* uploads.create({ ...request, bytes: 20 })
      const part = PartData.incoming(Stream.fromEffect(Effect.as(Effect.yieldNow(), bytes.subarray(0, 1))))
      const added = yield* Effect.all(Array.from({ length: 5 }, () => Effect.either(uploads.addPart(id, part))), {
        concurrency: "unbounded"
      })
      expect(added.filter(Either.isRight)).toHaveLength(3)
      expect(ownFields(yield* Effect.flip(uploads.addPart(id, new Uint8Array())))).toEqual({
        _tag: "InvalidRequest",
        field: "data",
        problem: "the Upload has 3 parts already",
        limit: "a part of an Upload with at most 3 parts"
      })
    }).pipe(Effect.provide(Layer.provide(both, limits))))

  it.effect("can be provided by a layer", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      expect(yield* Effect.flip(uploads.create({ ...request, bytes: 21 }))).toMatchObject({
        _tag: "InvalidRequest",
        field: "bytes",
        limit: "at most 20 bytes"
      })
      const upload = yield* uploads.create({ ...request, bytes: 20 })
      expect(ownFields(yield* Effect.flip(uploads.addPart(upload.id, bytes.subarray(0, 5))))).toEqual({
        _tag: "PartTooLarge",
        uploadId: upload.id,
        bytes: 5,
        limit: 4
      })
      expect(
        tagOf(yield* Effect.flip(uploads.addPart(upload.id, PartData.incoming(Stream.make(bytes.subarray(0, 5))))))
      ).toBe("PartTooLarge")
      yield* uploads.addPart(upload.id, bytes.subarray(0, 4))
      yield* TestClock.adjust("5 minutes")
      expect((yield* uploadsTest.uploads).map(({ status }) => status)).toEqual(["expired"])
    }).pipe(Effect.provide(Layer.provide(both, limits))))

  test("are the documented ones by default", () =>
    Effect.gen(function*() {
      const { uploads } = yield* services
      const upload = yield* uploads.create({ ...request, bytes: UploadLimits.documented.uploadBytes })
      expect(DateTime.distanceDuration(upload.createdAt, upload.expiresAt)).toEqual(Duration.hours(1))
    }))
})

describe("a store with 5,000 Uploads", () => {
  test("finds each of them and keeps their order", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      const made = yield* Effect.forEach(Array.from({ length: 5000 }), () => uploads.create({ ...request, bytes: 0 }))
      const ids = made.map(({ id }) => id)
      expect(new Set(ids).size).toBe(5000)
      expect((yield* uploadsTest.uploads).map(({ id }) => id)).toEqual(ids)
      for (const id of ids) yield* uploads.complete(id, { partIds: [] })
      expect((yield* uploadsTest.uploads).every(({ status }) => status === "completed")).toBe(true)
      expect(yield* Effect.flip(uploads.cancel(UploadId.make("upload_unknown")))).toBeInstanceOf(UploadNotFound)
    }))
})
