import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import { ProjectId } from "@effect-uploads/server/Project"
import type { StoredPart, StoredUpload } from "@effect-uploads/server/UploadRepository"
import { Change, UploadRepository } from "@effect-uploads/server/UploadRepository"
import { describe, expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"

export const project = ProjectId.make("default")

/** Any UTF-16, which is what JSON can bring: NUL, halves of surrogate pairs, quotes. */
const AnyText = Schema.NonEmptyString.annotations({
  arbitrary: () => (fc) =>
    fc.oneof(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1 }).map((units) => String.fromCharCode(...units))
    )
})

export const weird = [
  "a\u0000b",
  "\u0000",
  "\ud800",
  "\udfff\ud800",
  "\\u0000",
  "\\",
  "\"'`;--",
  "../../etc/passwd",
  "%00%s?$1",
  "😀\u202egpj.exe",
  "\u2028\ufeff",
  " ",
  "é".repeat(4096)
]

export const pending = (id: string, fields: Partial<ConstructorParameters<typeof Upload.Pending>[0]> = {}) =>
  Effect.map(Timestamp.now, (createdAt) =>
    new Upload.Pending({
      id: UploadId.make(id),
      bytes: ByteSize.make(100),
      createdAt,
      expiresAt: Timestamp.fromEpochMillis(createdAt.epochMillis + 3_600_000),
      filename: "report.jsonl",
      purpose: "user_data",
      ...fields
    }))

export const stored = (upload: Upload.Upload, fields: Partial<StoredUpload> = {}): StoredUpload => ({
  project,
  upload,
  mimeType: "text/jsonl",
  expiresAfter: Option.none(),
  receivedBytes: ByteSize.make(0),
  receivedParts: 0,
  ...fields
})

export const part = (upload: Upload.Upload, id: string, bytes: number): StoredPart => ({
  part: new UploadPart({ id: PartId.make(id), createdAt: upload.createdAt, uploadId: upload.id }),
  bytes: ByteSize.make(bytes),
  checksum: "f".repeat(32)
})

export const create = (id: string, fields: Parameters<typeof pending>[1] = {}) =>
  Effect.gen(function*() {
    const repository = yield* UploadRepository
    const upload = yield* pending(id, fields)
    yield* repository.createUpload(stored(upload))
    return upload
  })

/** The change if the Upload still takes commands, and a part only if there is room for it. */
export const change = <C extends Change>(upload: Upload.Pending, wanted: C, inProject = project) =>
  Effect.flatMap(UploadRepository, (repository) =>
    repository.changeUpload(inProject, upload.id, (stored, now) => {
      if (Option.isNone(stored)) return Either.left("unknown" as const)
      const { receivedBytes, upload } = stored.value
      if (Either.isLeft(Upload.ensurePending(upload, now))) return Either.left("not pending" as const)
      return wanted._tag === "PartAdded" && receivedBytes + wanted.part.bytes > upload.bytes
        ? Either.left("full" as const)
        : Either.right(wanted)
    }))

const addPart = (upload: Upload.Pending, id: string, bytes: number) =>
  change(upload, Change.PartAdded({ part: part(upload, id, bytes) }))

export const fileOf = (
  upload: Upload.Pending,
  fields: Partial<ConstructorParameters<typeof FileObject>[0]> = {}
): FileObject =>
  new FileObject({
    id: FileId.make(`file-${upload.id}`),
    bytes: upload.bytes,
    createdAt: upload.createdAt,
    filename: upload.filename,
    purpose: upload.purpose,
    status: "processed",
    ...fields
  })

const complete = (upload: Upload.Pending, partIds: ReadonlyArray<string> = [], file = fileOf(upload)) =>
  change(
    upload,
    Change.Completed({ upload: Upload.complete(upload, file), partIds: partIds.map((id) => PartId.make(id)) })
  )

const partsOfFile = (fileId: FileId) =>
  Effect.flatMap(
    UploadRepository,
    (repository) => Effect.map(Stream.runCollect(repository.partsOfFile(fileId)), Chunk.toReadonlyArray)
  )

const cancel = (upload: Upload.Pending) => change(upload, Change.Cancelled({ upload: Upload.cancel(upload) }))

/** A File of an Upload of its own, without parts. */
const createFile = (id: string, fields: Parameters<typeof fileOf>[1] = {}) =>
  Effect.gen(function*() {
    const upload = yield* create(id)
    const file = fileOf(upload, fields)
    yield* complete(upload, [], file)
    return file
  })

const list = (query: {
  readonly order?: "asc" | "desc"
  readonly purpose?: string
  readonly after?: FileId
  readonly limit?: number
} = {}) =>
  Effect.gen(function*() {
    const repository = yield* UploadRepository
    const after = query.after === undefined
      ? undefined
      : Option.getOrThrow(yield* repository.findFile(project, query.after))
    const files = yield* repository.listFiles(project, {
      now: yield* DateTime.now,
      order: query.order ?? "asc",
      purpose: query.purpose,
      after,
      limit: query.limit ?? 100
    })
    return files.map(({ file }) => file.id)
  })

/** What every `UploadRepository` does. Each call of `fresh` is an empty one. */
export const suite = (
  name: string,
  fresh: () => Layer.Layer<UploadRepository, unknown>,
  options: { readonly numRuns: number }
): void => {
  const test = <A, E>(title: string, effect: () => Effect.Effect<A, E, UploadRepository>) =>
    it.effect(title, () => Effect.provide(effect(), fresh()))

  describe(name, () => {
    it.effect.prop(
      "replies an Upload as it was created",
      {
        upload: Upload.Pending,
        filename: AnyText,
        purpose: AnyText,
        expiresAfter: Schema.OptionFromSelf(Schema.DurationFromSelf.annotations({
          arbitrary: () => (fc) => fc.integer({ min: 3600, max: 2_592_000 }).map(Duration.seconds)
        })),
        bytes: ByteSize
      },
      ({ bytes, expiresAfter, filename, purpose, upload }) =>
        Effect.gen(function*() {
          const repository = yield* UploadRepository
          const created = stored(new Upload.Pending({ ...upload, filename, purpose, bytes }), { expiresAfter })
          yield* repository.createUpload(created)
          expect(yield* repository.findUpload(project, upload.id)).toEqual(Option.some(created))
        }).pipe(Effect.provide(fresh())),
      { fastCheck: { numRuns: options.numRuns } }
    )

    it.effect.prop(
      "replies a completed Upload and its File as they were recorded",
      { file: FileObject, filename: AnyText },
      (generated) =>
        Effect.gen(function*() {
          const repository = yield* UploadRepository
          const upload = yield* create("upload_1")
          const file = new FileObject({ ...generated.file, filename: generated.filename })
          yield* complete(upload, [], file)
          const found = yield* repository.findUpload(project, upload.id)
          expect(found).toEqual(Option.some(stored(Upload.complete(upload, file))))
          expect(Option.map(yield* repository.findFile(project, file.id), ({ file }) => file)).toEqual(
            Option.some(file)
          )
        }).pipe(Effect.provide(fresh())),
      { fastCheck: { numRuns: options.numRuns } }
    )

    test("stores any text, and finds no id that merely looks similar", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        for (const text of weird) {
          const upload = yield* create(text, { filename: text, purpose: text })
          yield* complete(upload, [], fileOf(upload, { id: FileId.make(text) }))
        }
        for (const text of weird) {
          const found = yield* repository.findUpload(project, UploadId.make(text))
          expect(Option.map(found, ({ upload }) => upload.filename)).toEqual(Option.some(text))
          expect(yield* list({ purpose: text })).toEqual([text])
        }
        expect(yield* repository.findUpload(project, UploadId.make("a"))).toEqual(Option.none())
        expect(yield* repository.findFile(project, FileId.make("\u0000a"))).toEqual(Option.none())
      }))

    test("hides everything from another project", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const other = ProjectId.make("other")
        const upload = yield* create("upload_1")
        expect(yield* repository.findUpload(other, upload.id)).toEqual(Option.none())
        const cancelled = Change.Cancelled({ upload: Upload.cancel(upload) })
        expect(yield* Effect.flip(change(upload, cancelled, other))).toBe("unknown")
        yield* complete(upload)
        const { id } = fileOf(upload)
        expect(yield* repository.findFile(other, id)).toEqual(Option.none())
        const now = yield* DateTime.now
        expect(yield* repository.deleteFile(other, id, now)).toBe(false)
        const query = { now, order: "asc", purpose: undefined, after: undefined, limit: 10 } as const
        expect(yield* repository.listFiles(other, query)).toEqual([])
        expect(yield* list()).toEqual([id])
      }))

    test("returns the parts in the order in which they were recorded", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const upload = yield* create("upload_1")
        const other = yield* create("upload_2")
        const ids = ["z", "a", "m", "\u0000"]
        for (const id of ids) {
          yield* addPart(upload, id, 1)
          yield* addPart(other, `other ${id}`, 2)
        }
        expect(yield* repository.partsOfUpload(upload.id)).toEqual(ids.map((id) => part(upload, id, 1)))
        const found = Option.getOrThrow(yield* repository.findUpload(project, other.id))
        expect(found).toMatchObject({ receivedBytes: 8, receivedParts: 4 })
        expect(yield* repository.partsOfUpload(UploadId.make("none"))).toEqual([])
      }))

    test("makes a File of the listed parts in their order, and deletes the others", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const upload = yield* create("upload_1")
        for (const id of ["a", "b", "c"]) yield* addPart(upload, id, 10)
        yield* complete(upload, ["c", "a", "c"])
        const { id } = fileOf(upload)
        expect((yield* partsOfFile(id)).map(({ part }) => part.id)).toEqual(["c", "a", "c"])
        expect((yield* repository.partsOfUpload(upload.id)).map(({ part }) => part.id)).toEqual(["a", "c"])
        expect(Option.getOrThrow(yield* repository.findUpload(project, upload.id))).toMatchObject({
          receivedBytes: 20,
          receivedParts: 2
        })
        const found = Option.getOrThrow(yield* repository.findFile(project, id))
        expect(found).toEqual({ project, file: fileOf(upload), uploadId: upload.id, sequence: found.sequence })
      }))

    test("completes with thousands of parts", () =>
      Effect.gen(function*() {
        const upload = yield* create("upload_1", { bytes: ByteSize.make(1500) })
        const ids = Arr.makeBy(1500, (index) => `part_${index}`)
        yield* Effect.forEach(ids, (id) => addPart(upload, id, 1), { concurrency: 50, discard: true })
        yield* complete(upload, ids)
        expect((yield* partsOfFile(fileOf(upload).id)).map(({ part }) => part.id)).toEqual(ids)
      }))

    test("accepts exactly the parts that fit, however many are concurrent", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const upload = yield* create("upload_1")
        const replies = yield* Effect.forEach(
          Arr.range(1, 30),
          (index) => Effect.either(addPart(upload, `part_${index}`, 10)),
          { concurrency: "unbounded" }
        )
        expect(replies.filter(Either.isRight)).toHaveLength(10)
        expect(replies.filter(Either.isLeft).map(({ left }) => left)).toEqual(Arr.replicate("full", 20))
        expect(Option.getOrThrow(yield* repository.findUpload(project, upload.id)).receivedBytes).toBe(100)
        expect(yield* repository.partsOfUpload(upload.id)).toHaveLength(10)
      }))

    test("lets one of concurrent completes and cancels win", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        for (const round of Arr.range(1, 10)) {
          const upload = yield* create(`upload_${round}`)
          const racer = (id: string, kind: number): Effect.Effect<Change, unknown, UploadRepository> =>
            kind === 0 ? cancel(upload) : kind === 1 ? complete(upload) : addPart(upload, id, 1)
          const replies = yield* Effect.forEach(
            Arr.range(1, 12),
            (index) => Effect.either(racer(`part_${round}_${index}`, (index + round) % 3)),
            { concurrency: "unbounded" }
          )
          const ends = Arr.getRights(replies).filter(({ _tag }) => _tag !== "PartAdded")
          expect(ends).toHaveLength(1)
          const found = Option.getOrThrow(yield* repository.findUpload(project, upload.id))
          expect(found.upload.status).toBe(ends[0]?._tag.toLowerCase())
          expect(yield* repository.partsOfUpload(upload.id)).toEqual([])
          const file = yield* repository.findFile(project, fileOf(upload).id)
          expect(Option.isSome(file)).toBe(found.upload.status === "completed")
        }
      }))

    test("changes nothing when the change is rejected or decide dies", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const upload = yield* create("upload_1")
        const before = yield* repository.findUpload(project, upload.id)
        expect(yield* Effect.flip(addPart(upload, "part_1", 101))).toBe("full")
        const died = yield* Effect.exit(repository.changeUpload(project, upload.id, () => {
          throw new Error("a defect")
        }))
        expect(Exit.isFailure(died)).toBe(true)
        // The same part twice cannot be recorded.
        yield* addPart(upload, "part_1", 1)
        expect(yield* Effect.flip(addPart(upload, "part_1", 1))).toMatchObject({
          _tag: "StorageError",
          store: "database",
          reason: "Failed",
          operation: "UploadRepository.changeUpload"
        })
        const after = Option.map(before, (stored) => ({ ...stored, receivedBytes: ByteSize.make(1), receivedParts: 1 }))
        expect(yield* repository.findUpload(project, upload.id)).toEqual(after)
      }))

    test("decides by the clock of the caller", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(1_700_000_000_000)
        const upload = yield* create("upload_1")
        yield* TestClock.setTime(upload.expiresAt.epochMillis - 1)
        yield* addPart(upload, "part_1", 1)
        yield* TestClock.setTime(upload.expiresAt.epochMillis)
        expect(yield* Effect.flip(addPart(upload, "part_2", 1))).toBe("not pending")
        const earlier = Object.assign(Clock.make(), { currentTimeMillis: Effect.succeed(1_700_000_000_000) })
        yield* Effect.withClock(addPart(upload, "part_3", 1), earlier)
      }))

    test("lists Files in the order of their creation, page by page, within one second", () =>
      Effect.gen(function*() {
        const ids: Array<FileId> = []
        // The ids are in no order of the alphabet.
        for (const index of Arr.range(0, 9)) ids.push((yield* createFile(`upload_${(index * 7) % 10}`)).id)
        expect(yield* list()).toEqual(ids)
        expect(yield* list({ order: "desc" })).toEqual(Arr.reverse(ids))
        for (const order of ["asc", "desc"] as const) {
          const all = yield* list({ order })
          const paged: Array<FileId> = []
          for (;;) {
            const after = paged.at(-1)
            const page = yield* list({ order, limit: 3, ...(after === undefined ? {} : { after }) })
            if (page.length === 0) break
            paged.push(...page)
          }
          expect(paged).toEqual(all)
        }
      }))

    test("lists by the time of creation first, and by purpose", () =>
      Effect.gen(function*() {
        const at = (seconds: number) => Timestamp.fromEpochMillis(seconds * 1000)
        const last = yield* createFile("upload_1", { createdAt: at(30), purpose: "batch" })
        const first = yield* createFile("upload_2", { createdAt: at(10) })
        const second = yield* createFile("upload_3", { createdAt: at(20), purpose: "batch" })
        expect(yield* list()).toEqual([first.id, second.id, last.id])
        expect(yield* list({ order: "desc", purpose: "batch" })).toEqual([last.id, second.id])
        expect(yield* list({ after: first.id, purpose: "batch", limit: 1 })).toEqual([second.id])
        expect(yield* list({ purpose: "bat" })).toEqual([])
      }))

    test("lists and deletes a File until the instant at which it expires", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const expiresAt = Option.some(Timestamp.fromEpochMillis(5000))
        const { id } = yield* createFile("upload_1", { expiresAt })
        const forever = yield* createFile("upload_2")
        yield* TestClock.setTime(4999)
        expect(yield* list()).toEqual([id, forever.id])
        yield* TestClock.setTime(5000)
        expect(yield* list()).toEqual([forever.id])
        expect(yield* repository.deleteFile(project, id, yield* DateTime.now)).toBe(false)
        expect(yield* repository.deleteFile(project, forever.id, yield* DateTime.now)).toBe(true)
      }))

    test("deletes a File once", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const { id } = yield* createFile("upload_1")
        const now = yield* DateTime.now
        const replies = yield* Effect.all(
          Arr.makeBy(8, () => repository.deleteFile(project, id, now)),
          { concurrency: "unbounded" }
        )
        expect(replies.filter((deleted) => deleted)).toHaveLength(1)
        expect(yield* repository.findFile(project, id)).toEqual(Option.none())
        expect(yield* list()).toEqual([])
      }))

    test("lists Uploads whose parts no request can reach, the oldest first", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const reclaimable = (limit = 10) => Effect.flatMap(DateTime.now, (now) => repository.reclaimable(now, limit))
        const expiring = (seconds: number) => ({ expiresAt: Timestamp.fromEpochMillis(seconds * 1000) })
        const expired = yield* create("expired", expiring(10))
        const cancelled = yield* create("cancelled")
        const kept = yield* create("kept", expiring(10))
        const deleted = yield* create("deleted", expiring(10))
        const fileExpired = yield* create("file expired", expiring(10))
        for (const upload of [expired, cancelled, kept, deleted, fileExpired]) {
          yield* addPart(upload, `part of ${upload.id}`, 100)
        }
        expect(yield* reclaimable()).toEqual([])
        yield* TestClock.setTime(9_000)
        yield* cancel(cancelled)
        yield* complete(kept, [`part of ${kept.id}`])
        yield* complete(deleted, [`part of ${deleted.id}`])
        const file = fileOf(fileExpired, { expiresAt: Option.some(Timestamp.fromEpochMillis(20_000)) })
        yield* complete(fileExpired, [`part of ${fileExpired.id}`], file)
        expect(yield* reclaimable()).toEqual([cancelled.id])
        yield* TestClock.setTime(9_999)
        expect(yield* reclaimable()).toEqual([cancelled.id])
        yield* TestClock.setTime(10_000)
        expect(yield* reclaimable()).toEqual([cancelled.id, expired.id])
        yield* TestClock.setTime(15_000)
        yield* repository.deleteFile(project, fileOf(deleted).id, yield* DateTime.now)
        yield* TestClock.setTime(20_000)
        expect(yield* reclaimable()).toEqual([cancelled.id, expired.id, deleted.id, fileExpired.id])
        expect(yield* reclaimable(2)).toEqual([cancelled.id, expired.id])

        for (const uploadId of yield* reclaimable()) {
          yield* repository.reclaimed(uploadId, yield* DateTime.now)
          yield* repository.reclaimed(uploadId, yield* DateTime.now)
          expect(yield* repository.partsOfUpload(uploadId)).toEqual([])
        }
        expect(yield* reclaimable()).toEqual([])
        expect(yield* partsOfFile(fileOf(deleted).id)).toEqual([])
        expect(yield* partsOfFile(fileOf(kept).id)).toHaveLength(1)
        // What the Upload came to is remembered.
        expect(yield* repository.findUpload(project, deleted.id)).toEqual(
          Option.some(stored(Upload.complete(deleted, fileOf(deleted))))
        )
        expect(yield* Effect.flip(complete(deleted))).toBe("not pending")
        expect(yield* Effect.flip(addPart(expired, "late", 1))).toBe("not pending")
      }))

    test("tells whether an Upload accepts parts", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const takesParts = (uploadId: string) =>
          Effect.flatMap(DateTime.now, (now) => repository.takesParts(UploadId.make(uploadId), now))
        const upload = yield* create("pending")
        yield* cancel(yield* create("cancelled"))
        yield* complete(yield* create("completed"))
        yield* TestClock.setTime(upload.expiresAt.epochMillis - 1)
        expect(yield* takesParts("pending")).toBe(true)
        expect(yield* takesParts("cancelled")).toBe(false)
        expect(yield* takesParts("completed")).toBe(false)
        expect(yield* takesParts("unknown")).toBe(false)
        yield* TestClock.setTime(upload.expiresAt.epochMillis)
        expect(yield* takesParts("pending")).toBe(false)
      }))

    test("counts the parts of an Upload and what its project uses", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const other = ProjectId.make("other")
        // Nothing is created: an Upload that is not admitted tells the usage.
        const usage = (of = project) =>
          Effect.gen(function*() {
            const rejected = stored(yield* pending("rejected"), { project: of })
            const found = yield* Effect.flip(repository.createUpload(rejected, undefined, Either.left))
            const storedBytes = yield* repository.storedBytes(of)
            expect(found).toMatchObject({ storedBytes })
            return found
          })
        const partsOf = (upload: Upload.Upload) =>
          Effect.map(repository.findUpload(project, upload.id), (found) => Option.getOrThrow(found).receivedParts)
        expect(yield* usage()).toEqual({ pendingUploads: 0, storedBytes: 0 })
        const completed = yield* create("completed")
        const cancelled = yield* create("cancelled")
        const expired = yield* create("expired")
        for (const upload of [completed, cancelled, expired]) {
          yield* addPart(upload, `a of ${upload.id}`, 10)
          yield* addPart(upload, `b of ${upload.id}`, 20)
        }
        expect(yield* partsOf(completed)).toBe(2)
        expect(yield* usage()).toEqual({ pendingUploads: 3, storedBytes: 90 })
        yield* complete(completed, [`b of ${completed.id}`])
        expect(yield* partsOf(completed)).toBe(1)
        expect(yield* usage()).toEqual({ pendingUploads: 2, storedBytes: 80 })
        yield* cancel(cancelled)
        expect(yield* usage()).toEqual({ pendingUploads: 1, storedBytes: 50 })
        yield* TestClock.setTime(expired.expiresAt.epochMillis)
        expect(yield* usage()).toEqual({ pendingUploads: 0, storedBytes: 50 })
        yield* repository.reclaimed(expired.id, yield* DateTime.now)
        yield* repository.reclaimed(expired.id, yield* DateTime.now)
        expect(yield* usage()).toEqual({ pendingUploads: 0, storedBytes: 20 })
        expect(yield* repository.projects).toEqual([project])
        expect(yield* usage(other)).toEqual({ pendingUploads: 0, storedBytes: 0 })
      }))

    test("creates an Upload only if it is admitted", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        yield* create("upload_1")
        const upload = yield* pending("upload_2")
        const admit = ({ pendingUploads }: { readonly pendingUploads: number }) =>
          pendingUploads < 1 ? Either.void : Either.left(pendingUploads)
        expect(yield* Effect.flip(repository.createUpload(stored(upload), undefined, admit))).toBe(1)
        expect(yield* repository.findUpload(project, upload.id)).toEqual(Option.none())
      }))

    test("deletes the rows of Uploads that were reclaimed, at most as many as requested", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const kept = yield* create("kept")
        const uploads = yield* Effect.forEach(Arr.range(1, 5), (index) => create(`upload_${index}`))
        for (const upload of uploads) {
          yield* cancel(upload)
          yield* repository.reclaimed(upload.id, yield* DateTime.now)
        }
        yield* TestClock.adjust("1 second")
        const early = DateTime.unsafeMake((yield* Clock.currentTimeMillis) - 2000)
        expect(yield* repository.forgetUploads(early, 10)).toBe(0)
        const forget = Effect.flatMap(DateTime.now, (now) => repository.forgetUploads(now, 3))
        expect([yield* forget, yield* forget, yield* forget]).toEqual([3, 2, 0])
        expect(yield* repository.findUpload(project, uploads[0]?.id ?? kept.id)).toEqual(Option.none())
        expect(Option.isSome(yield* repository.findUpload(project, kept.id))).toBe(true)
      }))

    test("removes thousands of parts that were not listed, were cancelled or reclaimed", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const ids = (name: string) => Arr.makeBy(1200, (index) => `${name}_${index}`)
        const filled = (name: string) =>
          Effect.tap(create(name, { bytes: ByteSize.make(1200) }), (upload) =>
            Effect.forEach(ids(name), (id) => addPart(upload, id, 1), { concurrency: 50, discard: true }))
        const completed = yield* filled("completed")
        yield* complete(completed, ids("completed").slice(100, 1150))
        expect(
          (yield* repository.partsOfUpload(completed.id)).map(({ part }) =>
            part.id
          ).sort()
        ).toEqual(
          ids("completed").slice(100, 1150).sort()
        )
        const cancelled = yield* filled("cancelled")
        yield* cancel(cancelled)
        expect(yield* repository.partsOfUpload(cancelled.id)).toEqual([])
        yield* repository.reclaimed(completed.id, yield* DateTime.now)
        expect(yield* repository.partsOfUpload(completed.id)).toEqual([])
        expect(yield* partsOfFile(fileOf(completed).id)).toEqual([])
      }))

    test("leaves no partial change when callers are interrupted", () =>
      Effect.gen(function*() {
        const repository = yield* UploadRepository
        const upload = yield* create("upload_1", { bytes: ByteSize.make(1000) })
        const fibers = yield* Effect.forEach(Arr.range(1, 40), (index) =>
          Effect.fork(addPart(upload, `part_${index}`, 1)))
        yield* Effect.yieldNow()
        yield* Effect.forEach(fibers, (fiber, index) =>
          index % 2 === 0 ? fiber.interruptAsFork(fiber.id()) : Effect.void)
        const exits = yield* Effect.forEach(fibers, (fiber) => fiber.await)
        const parts = yield* repository.partsOfUpload(upload.id)
        expect(Option.getOrThrow(yield* repository.findUpload(project, upload.id)).receivedBytes).toBe(parts.length)
        expect(parts.length).toBeGreaterThanOrEqual(exits.filter(Exit.isSuccess).length)
        yield* repository.ping
      }))

    it.effect("finds everything again after a restart", () =>
      Effect.gen(function*() {
        const layer = fresh()
        const upload = yield* Effect.provide(create("upload_1"), layer)
        const again = yield* Effect.flatMap(UploadRepository, (repository) => repository.findUpload(project, upload.id))
          .pipe(Effect.provide(layer))
        expect(again).toEqual(Option.some(stored(upload)))
      }))
  })
}
