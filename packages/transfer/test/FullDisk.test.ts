import * as Transfer from "@effect-uploads/transfer/Transfer"
import type { TransferError } from "@effect-uploads/transfer/TransferError"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { advancing, both, bytesOf, calls, changed, collect, expectFiles, statuses, written } from "./fixtures.js"
import * as fullDisk from "./support/fullDisk.js"

const data = bytesOf(5000)
const options = { purpose: "user_data", partSize: 1000, concurrency: 1 } as const
const env = Layer.mergeAll(both, NodeFileSystem.layer, NodePath.layer)

const expectFull = ({ _tag, message }: TransferError | PlatformError, tag: TransferError["_tag"]) => {
  expect(_tag).toBe(tag)
  expect(message).toContain("ENOSPC")
}

describe("a full disk under the spool", () => {
  it.effect("ends the transfer before any request, and leaves no temporary file", () =>
    Effect.gen(function*() {
      const space = { free: 3500 }
      const paths: Array<string> = []
      const chunks = Stream.rechunk(Stream.make(data.subarray(0, 2000), data.subarray(2000)), 1)
      const error = yield* Transfer.stream(chunks, { ...options, filename: "data.bin" }).pipe(
        Effect.updateService(FileSystem.FileSystem, (fs) => ({
          ...fs,
          makeTempFileScoped: (options) =>
            Effect.tap(fs.makeTempFileScoped(options), (path) => Effect.sync(() => paths.push(path)))
        })),
        Effect.provide(fullDisk.layer(space)),
        Effect.flip
      )
      expectFull(error, "SourceUnreadable")
      expect(space.free).toBe(0)
      expect(yield* calls("create")).toBe(0)
      const fs = yield* FileSystem.FileSystem
      expect(paths).toHaveLength(1)
      for (const path of paths) expect(yield* fs.exists(path)).toBe(false)
    }).pipe(Effect.provide(env)))
})

describe("a full disk under the journal", () => {
  /** A journal in a new folder, on a disk of its own. */
  const onDisk = Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped()
    const space = { free: Number.POSITIVE_INFINITY }
    const journal = TransferJournal.layerKeyValueStore.pipe(
      Layer.provide(KeyValueStore.layerFileSystem(folder)),
      Layer.provide(fullDisk.layer(space)),
      Layer.provide(env)
    )
    return { space, journal, files: fs.readDirectory(folder) }
  })

  it.scoped("before the lock is written ends the transfer before any request", () =>
    Effect.gen(function*() {
      const { files, journal, space } = yield* onDisk
      const path = yield* written(data)
      space.free = 5
      const error = yield* Effect.flip(Effect.provide(Transfer.file(path, options), journal))
      expectFull(error, "JournalFailed")
      expect(yield* calls("create")).toBe(0)
      expect(yield* files).toEqual([])
    }).pipe(Effect.provide(env)))

  it.scoped("before the Upload is recorded makes the transfer cancel it", () =>
    Effect.gen(function*() {
      const { files, journal, space } = yield* onDisk
      const error = yield* Transfer.file(yield* written(data), options).pipe(
        changed((uploads) => ({
          create: (request) => {
            space.free = 100
            return uploads.create(request)
          }
        })),
        Effect.provide(journal),
        Effect.flip
      )
      expectFull(error, "JournalFailed")
      expect(yield* statuses).toEqual(["cancelled"])
      expect(yield* files).toEqual([])
    }).pipe(Effect.provide(env)))

  it.scoped("while parts are sent, for several heartbeats of the lock, loses neither the transfer nor its lock", () =>
    Effect.gen(function*() {
      const { files, journal, space } = yield* onDisk
      const completed = yield* Transfer.file(yield* written(data), options).pipe(
        changed((uploads) => ({
          addPart: (id, part) => {
            space.free = Math.min(space.free, 20)
            return Effect.delay(uploads.addPart(id, part), "3 seconds")
          }
        })),
        Effect.provide(journal),
        advancing()
      )
      expect(completed.status).toBe("completed")
      expect(yield* TestClock.currentTimeMillis).toBeGreaterThanOrEqual(15_000)
      yield* expectFiles(data)
      expect(yield* files).toEqual([])
    }).pipe(Effect.provide(env)))

  it.scoped("leaves what was written before to the next run, which has the Upload and sends the rest", () =>
    Effect.gen(function*() {
      const { files, journal, space } = yield* onDisk
      const path = yield* written(data)
      let sent = 0
      const cut = yield* Transfer.file(path, options).pipe(
        changed((uploads) => ({
          addPart: (id, part) => {
            if (++sent === 3) space.free = 50
            return sent > 4 ? Effect.never : uploads.addPart(id, part)
          }
        })),
        Effect.provide(journal),
        Effect.timeoutOption("1 minute"),
        advancing()
      )
      expect(cut._tag).toBe("None")
      expect(yield* statuses).toEqual(["pending"])
      space.free = Number.POSITIVE_INFINITY
      const [started] = yield* collect(Transfer.fileEvents(path, options)).pipe(Effect.provide(journal), advancing())
      expect(started).toMatchObject({ _tag: "Started", resumedBytes: 2000 })
      expect(yield* statuses).toEqual(["completed"])
      yield* expectFiles(data)
      expect(yield* files).toEqual([])
    }).pipe(Effect.provide(env)))
})
