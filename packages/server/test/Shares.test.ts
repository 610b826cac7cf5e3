import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
import { FilesService } from "@effect-uploads/http/FilesService"
import { pattern } from "@effect-uploads/http/test/contract"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import { CurrentProject, defaultLimits, ProjectId, ProjectLimits } from "@effect-uploads/server/Project"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { clientOf, serving } from "./support/serving.js"
import { durable, temporaryDirectory } from "./support/stores.js"

const limited = (limits: { readonly pendingUploads: number; readonly storedBytes: number }) =>
  Layer.provide(durable, Layer.succeed(ProjectLimits, { ...defaultLimits, ...limits }))

const create = (bytes: number) =>
  Effect.flatMap(
    UploadsService,
    (uploads) => uploads.create({ filename: "a", purpose: "user_data", bytes, mimeType: "text/plain" })
  )

const other = Effect.provideService(CurrentProject, ProjectId.make("other"))

describe("the share of a project", () => {
  it.effect("limits its pending Uploads, and a place becomes free when one is cancelled", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const first = yield* create(10)
      yield* create(10)
      const error = yield* Effect.flip(create(10))
      expect(error).toMatchObject({
        _tag: "RateLimited",
        retryAfter: Duration.minutes(1),
        response: { status: 429, code: "too_many_pending_uploads", message: expect.stringContaining("may have 2") }
      })
      // Another project has a share of its own.
      yield* other(create(10))
      yield* uploads.cancel(first.id)
      yield* create(10)
    }).pipe(Effect.provide(limited({ pendingUploads: 2, storedBytes: 1000 }))))

  it.effect("limits its stored bytes, and deleted Files give them back", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const files = yield* FilesService
      const exceeded = {
        _tag: "PermissionDenied",
        response: { status: 403, code: "project_storage_exceeded", message: expect.stringContaining("may store 100") }
      }
      expect(yield* Effect.flip(create(101))).toMatchObject(exceeded)
      const upload = yield* create(60)
      const part = yield* uploads.addPart(upload.id, pattern(60))
      expect(yield* Effect.flip(create(41))).toMatchObject(exceeded)
      const second = yield* create(40)
      yield* uploads.addPart(second.id, pattern(40))
      // Of two parts at the limit none is stored.
      expect(yield* Effect.flip(uploads.addPart(second.id, pattern(1)))).toMatchObject(exceeded)
      yield* other(create(100))
      const { file } = yield* uploads.complete(upload.id, { partIds: [part.id] })
      yield* uploads.cancel(second.id)
      expect(yield* Effect.flip(create(41))).toMatchObject(exceeded)
      yield* create(40)
      yield* files.delete(file.id)
    }).pipe(Effect.provide(limited({ pendingUploads: 10, storedBytes: 100 }))))

  it.effect("is not exceeded by concurrent parts", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const upload = yield* create(100)
      const results = yield* Effect.forEach(
        Array.from({ length: 20 }),
        () => Effect.either(uploads.addPart(upload.id, pattern(10))),
        { concurrency: "unbounded" }
      )
      expect(results.filter(({ _tag }) => _tag === "Right")).toHaveLength(10)
    }).pipe(Effect.provide(limited({ pendingUploads: 10, storedBytes: 100 }))))
})

it.effect("an Upload accepts no more parts than its limit, also when they are concurrent", () =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const upload = yield* create(100)
    const results = yield* Effect.forEach(
      Array.from({ length: 8 }),
      () => Effect.either(uploads.addPart(upload.id, pattern(1))),
      { concurrency: "unbounded" }
    )
    expect(results.filter(({ _tag }) => _tag === "Right")).toHaveLength(3)
    expect(yield* Effect.flip(uploads.addPart(upload.id, pattern(1)))).toMatchObject({
      _tag: "InvalidRequest",
      field: "data",
      problem: "the Upload has 3 parts already"
    })
  }).pipe(
    Effect.provide(
      Layer.provide(
        durable,
        Layer.succeed(UploadLimits.UploadLimits, {
          ...UploadLimits.documented,
          partBytes: ByteSize.make(100),
          parts: 3
        })
      )
    )
  ))

for (const [what, parts] of [["Files", [pattern(10)]], ["empty Files", []]] as const) {
  it.scopedLive(`a server with keys says which projects with ${what} have none`, () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { fileId } = yield* Effect.scoped(
        Effect.flatMap(serving({ UPLOADS_DATA_DIR: directory }), ({ url }) => clientOf(url).file(...parts))
      )
      const warnings = (log: ReadonlyArray<string>) => log.filter((line) => line.includes("No API key belongs to"))
      yield* Effect.scoped(Effect.gen(function*() {
        const { log, url } = yield* serving({ UPLOADS_DATA_DIR: directory, UPLOADS_API_KEYS: "other:sk-1" })
        expect(warnings(log)).toEqual([expect.stringContaining("not found: default")])
        expect((yield* clientOf(url, "sk-1").retrieve(fileId)).status).toBe(404)
      }))
      const { log, url } = yield* serving({ UPLOADS_DATA_DIR: directory, UPLOADS_API_KEYS: "other:sk-1,default:sk-2" })
      expect(warnings(log)).toEqual([])
      expect((yield* clientOf(url, "sk-2").retrieve(fileId)).status).toBe(200)
    }))
}

it.effect("a File of thousands of small parts is read back as it was, also in part", () =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const files = yield* FilesService
    // Large parts among the small ones, and small ones of many sizes.
    const sizes = Array.from({ length: 400 }, (_, index) => index % 50 === 49 ? 100_000 : 1 + (index * 37) % 900)
    const parts = sizes.map((size, index) => pattern(size, index))
    const whole = Buffer.concat(parts)
    const upload = yield* create(whole.byteLength)
    const partIds = yield* Effect.forEach(
      parts,
      (part) => Effect.map(uploads.addPart(upload.id, part), ({ id }) => id),
      { concurrency: 32 }
    )
    const { file } = yield* uploads.complete(upload.id, { partIds })
    const read = (range?: { readonly offset: number; readonly bytes: number }) =>
      Effect.map(Stream.runCollect(files.content(file.id, range)), (chunks) => ({
        bytes: Buffer.concat(Chunk.toReadonlyArray(chunks)),
        chunks: chunks.length
      }))
    const all = yield* read()
    expect(all.bytes.equals(whole)).toBe(true)
    // Eight large parts of two buffers each, and the small parts between them in large steps.
    expect(all.chunks).toBeLessThan(40)
    for (
      const range of [
        { offset: 0, bytes: 1 },
        { offset: 777, bytes: 12_000 },
        { offset: 19_000, bytes: 111_000 },
        { offset: whole.byteLength - 5, bytes: 5 }
      ]
    ) {
      const expected = whole.subarray(range.offset, range.offset + range.bytes)
      expect((yield* read(range)).bytes.equals(expected)).toBe(true)
    }
  }).pipe(Effect.provide(durable)))
