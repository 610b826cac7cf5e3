import { PartId, UploadId } from "@effect-uploads/domain/Ids"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as DurableUploads from "@effect-uploads/server/DurableUploads"
import { PartStorage } from "@effect-uploads/server/PartStorage"
import { StorageError } from "@effect-uploads/server/StorageError"
import * as Sweeper from "@effect-uploads/server/Sweeper"
import { UploadRepository } from "@effect-uploads/server/UploadRepository"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { key, listed, pattern, turn } from "./support/partStorageSuite.js"
import { durable, durableIn, temporaryDirectory } from "./support/stores.js"

type Durable = Layer.Layer.Success<typeof durable>

const test = <A, E>(title: string, effect: () => Effect.Effect<A, E, Durable>) =>
  it.effect(title, () => Effect.provide(effect(), durable), 60_000)

const alone = { exclusive: true, retention: "7 days" } as const
const oneOfMany = { exclusive: false, retention: "7 days" } as const

const reclaim = Sweeper.reclaim(alone)
const removeOrphans = Sweeper.removeOrphans(alone)
const sweep = Effect.zipRight(reclaim, removeOrphans)

const create = (bytes: number, fields: { readonly purpose?: string; readonly expiresAfter?: Duration.Duration } = {}) =>
  Effect.flatMap(
    UploadsService,
    (uploads) => uploads.create({ filename: "a.jsonl", purpose: "user_data", bytes, mimeType: "text/jsonl", ...fields })
  )

const addPart = (uploadId: UploadId, data: PartData.PartData) =>
  Effect.flatMap(UploadsService, (uploads) => uploads.addPart(uploadId, data))

/** A File of some parts. */
const createFile = (parts: ReadonlyArray<Uint8Array>, fields?: Parameters<typeof create>[1]) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const upload = yield* create(parts.reduce((sum, part) => sum + part.byteLength, 0), fields)
    const partIds = yield* Effect.forEach(parts, (part) => Effect.map(addPart(upload.id, part), ({ id }) => id))
    return (yield* uploads.complete(upload.id, { partIds })).file
  })

/** Waits for what the system does in its own time, while that of the test stands still. */
const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>, until: (value: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.zipRight(turn, effect).pipe(
    Effect.flatMap((value) => until(value) ? Effect.succeed(value) : eventually(effect, until))
  )

/** A stream that stops in its middle: when it is there, and what lets it go on. */
const makePause = Effect.map(
  Effect.all([Effect.makeLatch(), Effect.makeLatch()]),
  ([reached, goOn]) => ({
    reached: reached.await,
    goOn: goOn.open,
    wait: Effect.zipRight(reached.open, goOn.await)
  })
)
type Pause = Effect.Effect.Success<typeof makePause>

const pausing = (data: Uint8Array, pause: Pause) =>
  PartData.stream(
    Stream.concat(
      Stream.make(data.subarray(0, 10)),
      Stream.unwrap(Effect.as(pause.wait, Stream.make(data.subarray(10))))
    ),
    { bytes: data.byteLength }
  )

/** Reads a File, and pauses after its first bytes. */
const readSlowly = (fileId: Parameters<FilesService["Type"]["content"]>[0], pause: Pause) =>
  Effect.gen(function*() {
    const files = yield* FilesService
    let isFirst = true
    const chunks = yield* files.content(fileId).pipe(
      Stream.tap(() => {
        const wait = isFirst ? pause.wait : Effect.void
        isFirst = false
        return wait
      }),
      Stream.runCollect
    )
    return Buffer.concat(Chunk.toReadonlyArray(chunks))
  })

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

describe("the sweeper reclaims the bytes", () => {
  test("of an expired Upload, at the instant of its expiry", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const upload = yield* create(100)
      const part = yield* addPart(upload.id, pattern(10))
      yield* TestClock.adjust("3599 seconds")
      yield* sweep
      yield* addPart(upload.id, pattern(10))
      expect((yield* listed).length).toBe(2)
      yield* TestClock.adjust("1 second")
      expect(yield* tagOf(addPart(upload.id, pattern(10)))).toBe("UploadExpired")
      expect(yield* tagOf(uploads.complete(upload.id, { partIds: [part.id] }))).toBe("UploadExpired")
      expect(yield* tagOf(uploads.cancel(upload.id))).toBe("UploadExpired")
      yield* reclaim
      expect(yield* listed).toEqual([])
      // What it was is not forgotten with its bytes.
      expect(yield* tagOf(uploads.cancel(upload.id))).toBe("UploadExpired")
    }))

  test("of an expired Upload, which stays expired when the clock is set back", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const upload = yield* create(100)
      const part = yield* addPart(upload.id, pattern(100))
      yield* TestClock.setTime(2 * 3_600_000)
      yield* reclaim
      yield* TestClock.setTime(0)
      expect(yield* tagOf(addPart(upload.id, pattern(10)))).toBe("UploadExpired")
      expect(yield* tagOf(uploads.complete(upload.id, { partIds: [part.id] }))).toBe("UploadExpired")
      expect(yield* tagOf(uploads.cancel(upload.id))).toBe("UploadExpired")
      expect(yield* listed).toEqual([])
    }))

  test("of an expired File, which stays deleted when the clock is set back", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const files = yield* FilesService
      const upload = yield* uploads.create({
        filename: "a",
        bytes: 10,
        purpose: "user_data",
        mimeType: "text/plain",
        expiresAfter: Duration.hours(1)
      })
      const part = yield* addPart(upload.id, pattern(10))
      const { file } = yield* uploads.complete(upload.id, { partIds: [part.id] })
      yield* TestClock.setTime(2 * 3_600_000)
      yield* reclaim
      yield* TestClock.setTime(0)
      expect(yield* tagOf(files.retrieve(file.id))).toBe("FileNotFound")
    }))

  test("and forgets an ended Upload after the retention, but not one whose File exists", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const kept = yield* create(10)
      const part = yield* addPart(kept.id, pattern(10))
      yield* uploads.complete(kept.id, { partIds: [part.id] })
      const ended = yield* create(10)
      yield* uploads.cancel(ended.id)
      yield* reclaim
      yield* TestClock.adjust("7 days")
      yield* reclaim
      expect(yield* tagOf(uploads.cancel(ended.id))).toBe("UploadAlreadyCancelled")
      yield* TestClock.adjust("1 second")
      yield* reclaim
      expect(yield* tagOf(uploads.cancel(ended.id))).toBe("UploadNotFound")
      expect(yield* tagOf(uploads.cancel(kept.id))).toBe("UploadAlreadyCompleted")
    }))

  test("of a cancelled Upload at once", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const kept = yield* create(10)
      const part = yield* addPart(kept.id, pattern(10))
      const upload = yield* create(100)
      yield* addPart(upload.id, pattern(10))
      yield* uploads.cancel(upload.id)
      yield* reclaim
      expect(yield* listed).toEqual([`${kept.id}/${part.id}`])
      expect(yield* tagOf(uploads.cancel(upload.id))).toBe("UploadAlreadyCancelled")
    }))

  test("of a deleted File at once", () =>
    Effect.gen(function*() {
      const files = yield* FilesService
      const file = yield* createFile([pattern(10), pattern(20)])
      yield* sweep
      expect((yield* listed).length).toBe(2)
      yield* files.delete(file.id)
      yield* reclaim
      expect(yield* listed).toEqual([])
      expect(yield* tagOf(files.retrieve(file.id))).toBe("FileNotFound")
      expect(yield* tagOf(files.delete(file.id))).toBe("FileNotFound")
    }))

  for (
    const [what, lifetime, fields] of [
      ["its expires_after is over", Duration.hours(2), { expiresAfter: Duration.hours(2) }],
      ["the 30 days of a batch are over", Duration.days(30), { purpose: "batch" }]
    ] as const
  ) {
    test(`of a File when ${what}, at that instant`, () =>
      Effect.gen(function*() {
        const files = yield* FilesService
        const file = yield* createFile([pattern(10)], fields)
        const forEver = yield* createFile([pattern(10)])
        yield* TestClock.adjust(Duration.subtract(lifetime, "1 second"))
        yield* sweep
        expect(yield* files.retrieve(file.id)).toEqual(file)
        yield* Stream.runDrain(files.content(file.id))
        yield* TestClock.adjust("1 second")
        expect(yield* tagOf(files.retrieve(file.id))).toBe("FileNotFound")
        expect(yield* tagOf(Stream.runDrain(files.content(file.id)))).toBe("FileNotFound")
        expect(yield* tagOf(files.delete(file.id))).toBe("FileNotFound")
        expect([...(yield* Stream.runCollect(files.list()))].map(({ id }) => id)).toEqual([forEver.id])
        yield* reclaim
        expect((yield* listed).length).toBe(1)
        yield* Stream.runDrain(files.content(forEver.id))
      }))
  }

  test("of any number of Uploads", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      yield* Effect.forEach(Array.from({ length: 300 }), () =>
        Effect.gen(function*() {
          const { id } = yield* create(10)
          yield* addPart(id, pattern(1))
          yield* uploads.cancel(id)
        }), { concurrency: 32 })
      yield* reclaim
      expect(yield* listed).toEqual([])
    }))

  test("one minute later when several servers share the storage, because their clocks differ", () =>
    Effect.gen(function*() {
      const upload = yield* create(100)
      yield* addPart(upload.id, pattern(10))
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("59 seconds")
      yield* Sweeper.reclaim(oneOfMany)
      expect((yield* listed).length).toBe(1)
      yield* TestClock.adjust("1 second")
      yield* Sweeper.reclaim(oneOfMany)
      expect(yield* listed).toEqual([])
    }))
})

describe("the sweeper does not touch bytes with a lease:", () => {
  const parts = [pattern(300_000), pattern(700_000), pattern(20)]

  for (
    const [what, end] of [
      [
        "is deleted",
        (file: { readonly id: Parameters<FilesService["Type"]["delete"]>[0] }) =>
          Effect.flatMap(FilesService, (files) => files.delete(file.id))
      ],
      ["expires", () => TestClock.adjust("2 hours")]
    ] as const
  ) {
    test(`a File that ${what} during a read, until the read ends`, () =>
      Effect.gen(function*() {
        const file = yield* createFile(parts, { expiresAfter: Duration.hours(2) })
        const pause = yield* makePause
        const reading = yield* Effect.fork(readSlowly(file.id, pause))
        yield* pause.reached
        yield* end(file)
        yield* sweep
        expect((yield* listed).length).toBe(parts.length)
        yield* pause.goOn
        expect((yield* Fiber.join(reading)).equals(Buffer.concat(parts))).toBe(true)
        yield* sweep
        expect(yield* listed).toEqual([])
      }))
  }

  test("a deleted File, until its reader disconnects", () =>
    Effect.gen(function*() {
      const files = yield* FilesService
      const file = yield* createFile(parts)
      const pause = yield* makePause
      const reading = yield* Effect.fork(readSlowly(file.id, pause))
      yield* pause.reached
      yield* files.delete(file.id)
      yield* sweep
      expect((yield* listed).length).toBe(parts.length)
      yield* Fiber.interrupt(reading)
      yield* sweep
      expect(yield* listed).toEqual([])
    }))

  test("other Uploads are reclaimed meanwhile, however many have a lease", () =>
    Effect.gen(function*() {
      const files = yield* FilesService
      // More than are reclaimed at a time.
      const held = yield* Effect.forEach(Array.from({ length: 300 }), () => createFile([pattern(10)]), {
        concurrency: 32
      })
      const pauses = yield* Effect.forEach(held, () => makePause)
      const reading = yield* Effect.fork(
        Effect.forEach(held, (file, index) => readSlowly(file.id, pauses[index] as Pause), { concurrency: "unbounded" })
      )
      yield* Effect.forEach(pauses, ({ reached }) => reached)
      yield* Effect.forEach(held, ({ id }) => files.delete(id), { concurrency: 32 })
      yield* TestClock.adjust("1 second")
      const others = yield* Effect.forEach(Array.from({ length: 3 }), () => createFile([pattern(10)]))
      yield* Effect.forEach(others, ({ id }) => files.delete(id))
      yield* reclaim
      expect((yield* listed).length).toBe(300)
      yield* Effect.forEach(pauses, ({ goOn }) => goOn)
      yield* Fiber.join(reading)
      yield* reclaim
      expect(yield* listed).toEqual([])
    }))

  for (
    const [what, end, tag] of [
      [
        "is cancelled",
        (id: UploadId) => Effect.flatMap(UploadsService, (uploads) => uploads.cancel(id)),
        "UploadAlreadyCancelled"
      ],
      ["expires", () => TestClock.adjust("1 hour"), "UploadExpired"]
    ] as const
  ) {
    test(`a part that is being written to an Upload that ${what}`, () =>
      Effect.gen(function*() {
        const upload = yield* create(2_000_000)
        yield* addPart(upload.id, pattern(10))
        const pause = yield* makePause
        const writing = yield* Effect.fork(tagOf(addPart(upload.id, pausing(pattern(1_000_000), pause))))
        yield* pause.reached
        yield* end(upload.id)
        yield* sweep
        expect((yield* listed).length).toBe(2)
        yield* pause.goOn
        expect(yield* Fiber.join(writing)).toBe(tag)
        yield* sweep
        expect(yield* listed).toEqual([])
      }))
  }

  test("a part that is being written and recorded afterwards", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const files = yield* FilesService
      const data = pattern(1_000_000)
      const upload = yield* create(data.byteLength)
      const pause = yield* makePause
      const writing = yield* Effect.fork(addPart(upload.id, pausing(data, pause)))
      yield* pause.reached
      yield* sweep
      yield* pause.goOn
      const part = yield* Fiber.join(writing)
      yield* sweep
      const { file } = yield* uploads.complete(upload.id, { partIds: [part.id] })
      const chunks = yield* Stream.runCollect(files.content(file.id))
      expect(Buffer.concat(Chunk.toReadonlyArray(chunks)).equals(data)).toBe(true)
    }))
})

describe("the sweeper removes orphans", () => {
  /** As if the process had been killed before the part was recorded. */
  const leave = (uploadId: UploadId, partId: string) =>
    Effect.flatMap(PartStorage, (storage) => storage.write(key(partId, uploadId), Stream.make(pattern(10))))

  test("at once when no other process writes", () =>
    Effect.gen(function*() {
      const upload = yield* create(100)
      const part = yield* addPart(upload.id, pattern(10))
      yield* leave(upload.id, "part_left")
      yield* leave(UploadId.make("upload_of_nobody"), "part_left")
      yield* removeOrphans
      expect(yield* listed).toEqual([`${upload.id}/${part.id}`])
    }))

  it.scoped("that are partial files", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      yield* Effect.gen(function*() {
        const upload = yield* create(100)
        const part = yield* addPart(upload.id, pattern(10))
        const folder = Path.join(directory, "parts", upload.id)
        yield* Effect.promise(() => Fs.writeFile(Path.join(folder, "part_left.incoming"), "half"))
        expect((yield* listed).length).toBe(2)
        yield* removeOrphans
        expect(yield* Effect.promise(() => Fs.readdir(folder))).toEqual([part.id])
      }).pipe(Effect.provide(durableIn(directory)))
    }))

  test("when the Upload accepts no more parts, if other processes may write", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const expiring = yield* create(100)
      const completed = yield* create(10)
      const part = yield* addPart(completed.id, pattern(10))
      yield* leave(expiring.id, "part_left")
      yield* leave(completed.id, "part_left")
      yield* Sweeper.removeOrphans(oneOfMany)
      expect((yield* listed).length).toBe(3)
      yield* uploads.complete(completed.id, { partIds: [part.id] })
      yield* Sweeper.removeOrphans(oneOfMany)
      expect(yield* listed).toEqual([`${completed.id}/${part.id}`, `${expiring.id}/part_left`].sort())
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("59 seconds")
      yield* Sweeper.removeOrphans(oneOfMany)
      expect((yield* listed).length).toBe(2)
      yield* TestClock.adjust("1 second")
      yield* Sweeper.removeOrphans(oneOfMany)
      expect(yield* listed).toEqual([`${completed.id}/${part.id}`])
    }))

  for (const [name, options] of [["alone", alone], ["one of many", oneOfMany]] as const) {
    test(`that are parts which were not listed: ${name}`, () =>
      Effect.gen(function*() {
        const uploads = yield* UploadsService
        const upload = yield* create(10)
        const part = yield* addPart(upload.id, pattern(10))
        yield* addPart(upload.id, pattern(10))
        yield* Sweeper.removeOrphans(options)
        expect((yield* listed).length).toBe(2)
        yield* uploads.complete(upload.id, { partIds: [part.id] })
        yield* Sweeper.removeOrphans(options)
        expect(yield* listed).toEqual([`${upload.id}/${part.id}`])
      }))
  }
})

it.scoped("a part whose folder disappears under it is rejected with the state of its Upload", () =>
  Effect.gen(function*() {
    const stores = durableIn(yield* temporaryDirectory)
    yield* Effect.gen(function*() {
      const storage = yield* PartStorage
      const uploads = yield* UploadsService
      // As the sweeper of another server, which does not know of the lease.
      const swept = Layer.succeed(
        PartStorage,
        PartStorage.of({
          ...storage,
          write: (key) =>
            Effect.zipRight(
              Effect.orDie(uploads.cancel(key.uploadId)),
              new StorageError({ store: "parts", reason: "Missing", operation: "PartStorage.write" })
            )
        })
      )
      const upload = yield* create(10)
      yield* Effect.gen(function*() {
        expect(yield* tagOf(addPart(upload.id, pattern(10)))).toBe("UploadAlreadyCancelled")
      }).pipe(Effect.provide(Layer.provide(DurableUploads.layer, swept)))
    }).pipe(Effect.provide(stores))
  }))

describe("an Upload that has ended", () => {
  test("stays expired when the clock goes back while its bytes have a lease, and they are removed afterwards", () =>
    Effect.gen(function*() {
      const upload = yield* create(2_000_000)
      const pause = yield* makePause
      const writing = yield* Effect.fork(tagOf(addPart(upload.id, pausing(pattern(1_000_000), pause))))
      yield* pause.reached
      yield* TestClock.adjust("2 hours")
      yield* reclaim
      yield* TestClock.setTime(0)
      yield* pause.goOn
      expect(yield* Fiber.join(writing)).toBe("UploadExpired")
      yield* removeOrphans
      expect(yield* listed).toEqual([])
    }))

  test("is forgotten after a retention of its own", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      yield* Effect.forEach(
        Array.from({ length: 300 }),
        () => Effect.flatMap(create(10), ({ id }) => uploads.cancel(id)),
        { concurrency: 32 }
      )
      const last = yield* create(10)
      yield* uploads.cancel(last.id)
      const sweep = Sweeper.reclaim({ exclusive: true, retention: "1 minute" })
      yield* sweep
      yield* TestClock.adjust("61 seconds")
      yield* sweep
      expect(yield* tagOf(uploads.cancel(last.id))).toBe("UploadNotFound")
    }))
})

describe("the sweeper of a server", () => {
  const options: Sweeper.Options = {
    interval: "1 minute",
    scanInterval: "1 hour",
    retention: "7 days",
    exclusive: true
  }

  const isEmpty = (keys: ReadonlyArray<string>) => keys.length === 0

  test("sweeps every minute", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      for (let round = 0; round < 3; round++) {
        const upload = yield* create(100)
        yield* addPart(upload.id, pattern(10))
        yield* uploads.cancel(upload.id)
        yield* TestClock.adjust("1 minute")
        yield* eventually(listed, isEmpty)
        // The next minute begins when the pass ends.
        yield* eventually(TestClock.sleeps(), (sleeps) => Chunk.size(sleeps) === 2)
      }
    }).pipe(Effect.provide(Sweeper.layer(options))))

  it.scoped("reclaims at the start what was left when the server stopped", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const kept = yield* Effect.gen(function*() {
        const uploads = yield* UploadsService
        const files = yield* FilesService
        const storage = yield* PartStorage
        const cancelled = yield* create(100)
        yield* addPart(cancelled.id, pattern(10))
        yield* uploads.cancel(cancelled.id)
        yield* files.delete((yield* createFile([pattern(10)])).id)
        const expiring = yield* create(100)
        yield* addPart(expiring.id, pattern(10))
        yield* TestClock.adjust("59 minutes")
        const pending = yield* create(100)
        const part = yield* addPart(pending.id, pattern(10))
        yield* storage.write({ uploadId: pending.id, partId: PartId.make("part_left") }, Stream.make(pattern(10)))
        expect((yield* listed).length).toBe(5)
        return `${pending.id}/${part.id}`
      }).pipe(Effect.provide(durableIn(directory)))
      yield* TestClock.adjust("1 minute")
      yield* eventually(listed, (keys) => keys.length === 1 && keys[0] === kept).pipe(
        Effect.provide(Layer.provideMerge(Sweeper.layer(options), durableIn(directory)))
      )
    }))

  for (const store of ["database", "parts"] as const) {
    it.scoped(`logs a pass that fails because of the ${store}, and continues with the next`, () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const lines: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          if (LogLevel.greaterThanEqual(logLevel, LogLevel.Warning)) lines.push(String(message))
        })
        const stores = durableIn(directory)
        let failures = 0
        const failing = <A>(where: typeof store, effect: Effect.Effect<A, StorageError>) =>
          Effect.suspend(() =>
            where === store && failures > 0 && failures-- > 0
              ? Effect.fail(new StorageError({ store, reason: "Failed", operation: "the test" }))
              : effect
          )
        const repository = Layer.effect(
          UploadRepository,
          Effect.map(UploadRepository, (repository) =>
            UploadRepository.of({
              ...repository,
              reclaimable: (now, limit) => failing("database", repository.reclaimable(now, limit))
            }))
        )
        const storage = Layer.effect(
          PartStorage,
          Effect.map(
            PartStorage,
            (storage) =>
              PartStorage.of({
                ...storage,
                removeUpload: (uploadId) => failing("parts", storage.removeUpload(uploadId))
              })
          )
        )
        yield* Effect.gen(function*() {
          const uploads = yield* UploadsService
          const ids = yield* Effect.replicateEffect(
            Effect.gen(function*() {
              const upload = yield* create(100)
              yield* addPart(upload.id, pattern(10))
              return upload.id
            }),
            3
          )
          yield* eventually(TestClock.sleeps(), (sleeps) => Chunk.size(sleeps) === 2)
          yield* Effect.forEach(ids, uploads.cancel)
          failures = 1
          yield* TestClock.adjust("1 minute")
          yield* eventually(Effect.sync(() => lines.length), (count) => count === 1)
          expect(lines[0]).toContain("A pass of the sweeper failed: the test failed")
          yield* eventually(TestClock.sleeps(), (sleeps) => Chunk.size(sleeps) === 2)
          yield* TestClock.adjust("1 minute")
          yield* eventually(listed, isEmpty)
          expect(lines.length).toBe(1)
        }).pipe(
          Effect.provide(
            Sweeper.layer(options).pipe(
              Layer.provide(Layer.provide(Layer.merge(repository, storage), stores)),
              Layer.provideMerge(stores),
              Layer.provide(Logger.replace(Logger.defaultLogger, logger))
            )
          )
        )
      }))
  }
})

/** That the tests above would see it. */
it.effect("a sweeper without leases would remove bytes that are being read", () =>
  Effect.gen(function*() {
    const files = yield* FilesService
    const storage = yield* PartStorage
    // Larger than what is read together.
    const file = yield* createFile([pattern(2_000_000), pattern(2_000_000)])
    const pause = yield* makePause
    const reading = yield* Effect.fork(Effect.option(readSlowly(file.id, pause)))
    yield* pause.reached
    yield* files.delete(file.id)
    const [first = ""] = yield* listed
    yield* storage.removeUpload(UploadId.make(Path.dirname(first)))
    yield* pause.goOn
    expect(Option.isNone(yield* Fiber.join(reading))).toBe(true)
  }).pipe(Effect.provide(durable), Logger.withMinimumLogLevel(LogLevel.None)))
