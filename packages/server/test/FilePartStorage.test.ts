import { UploadId } from "@effect-uploads/domain/Ids"
import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
import { PartStorage } from "@effect-uploads/server/PartStorage"
import type { StorageError } from "@effect-uploads/server/StorageError"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { inChunks, key, listed, pattern, readAll, suite, turn } from "./support/partStorageSuite.js"
import { canMount, mount, umount } from "./support/tmpfs.js"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "part-files-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

suite(
  "FilePartStorage",
  Layer.unwrapScoped(
    Effect.map(temporaryFolder, (folder) => FilePartStorage.layer({ directory: Path.join(folder, "parts") }))
  )
)

const test = <A, E>(title: string, effect: (folder: string) => Effect.Effect<A, E, Scope.Scope>) =>
  it.scoped(title, () => Effect.flatMap(temporaryFolder, effect))

/** Every file and folder below, and nothing of what is open. */
const tree = (folder: string) => Fs.readdirSync(folder, { recursive: true }).map(String).sort()

const openFiles = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [Fs.readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return []
    }
  }).filter((path) => path.startsWith(folder))

/** A file system of one MiB. */
const tinyFolder = Effect.acquireRelease(
  Effect.tap(temporaryFolder, (path) => Effect.sync(() => mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", path))),
  (path) => Effect.sync(() => umount(path))
)

const mounted = canMount ? it.scoped : it.scoped.skip
const needs = canMount ? "" : " (skipped: a tmpfs can be mounted by root only)"

describe("the folder of the parts", () => {
  test("has a folder for each Upload that other users cannot enter", (folder) =>
    Effect.gen(function*() {
      const directory = Path.join(folder, "a", "parts")
      const storage = yield* FilePartStorage.make({ directory })
      yield* storage.write(key(), inChunks(pattern(10), 10))
      expect(tree(directory)).toEqual(["upload_1", "upload_1/part_1"])
      const modeOf = (path: string) => Fs.statSync(Path.join(directory, path)).mode & 0o777
      expect([modeOf(""), modeOf("upload_1"), modeOf("upload_1/part_1")]).toEqual([0o700, 0o700, 0o600])
      yield* storage.remove(key())
      expect(tree(directory)).toEqual([])
    }))

  test("may exist before and contain other names", (folder) =>
    Effect.gen(function*() {
      yield* Effect.flatMap(FilePartStorage.make({ directory: folder }), ({ write }) =>
        write(key(), inChunks(pattern(1), 1)))
      Fs.writeFileSync(Path.join(folder, "a-file"), "")
      Fs.writeFileSync(Path.join(folder, ".hidden"), "")
      Fs.writeFileSync(Path.join(folder, "upload_1", "no id.incoming"), "")
      Fs.mkdirSync(Path.join(folder, "upload_2"))
      const found = yield* Effect.provide(listed, FilePartStorage.layer({ directory: folder }))
      expect(found).toEqual(["upload_1/part_1"])
    }))

  test("does not lead to files elsewhere by symbolic links", (folder) =>
    Effect.gen(function*() {
      const directory = Path.join(folder, "parts")
      const elsewhere = Path.join(folder, "elsewhere")
      const storage = yield* FilePartStorage.make({ directory })
      yield* storage.write(key("a"), inChunks(pattern(1), 1))
      Fs.mkdirSync(elsewhere)
      Fs.writeFileSync(Path.join(elsewhere, "file"), "")
      for (const link of ["upload_2", "upload_1/linked"]) Fs.symlinkSync(elsewhere, Path.join(directory, link))
      Fs.mkdirSync(Path.join(directory, "upload_1", "folder"))
      expect(yield* Effect.provideService(listed, PartStorage, storage)).toEqual(["upload_1/a"])
      for (const id of ["upload_1", "upload_2"]) yield* storage.removeUpload(UploadId.make(id))
      expect(tree(folder)).toEqual(["elsewhere", "elsewhere/file", "parts"])
    }))

  test("keeps the partial files of a killed process until they are removed", (folder) =>
    Effect.gen(function*() {
      const storage = yield* FilePartStorage.make({ directory: folder })
      for (const [uploadId, partId] of [["upload_1", "a"], ["upload_1", "b"], ["upload_2", "a"]] as const) {
        Fs.mkdirSync(Path.join(folder, uploadId), { recursive: true })
        Fs.writeFileSync(Path.join(folder, uploadId, `${partId}.incoming`), "half")
      }
      const error = yield* Effect.flip(Stream.runDrain(storage.read(key("a"), { offset: 0, bytes: 4 })))
      expect(error.reason).toBe("Missing")
      expect(yield* Effect.provideService(listed, PartStorage, storage)).toEqual([
        "upload_1/a",
        "upload_1/b",
        "upload_2/a"
      ])
      yield* storage.remove(key("a"))
      expect(tree(folder)).toEqual(["upload_1", "upload_1/b.incoming", "upload_2", "upload_2/a.incoming"])
      yield* storage.removeUpload(key().uploadId)
      expect(tree(folder)).toEqual(["upload_2", "upload_2/a.incoming"])
    }))

  test("is not created in place of a file", (folder) =>
    Effect.gen(function*() {
      const directory = Path.join(folder, "file")
      Fs.writeFileSync(directory, "")
      for (const path of [directory, Path.join(directory, "parts")]) {
        const error = yield* Effect.flip(FilePartStorage.make({ directory: path }))
        expect(error).toMatchObject({ _tag: "StorageError", store: "parts", reason: "Failed" })
      }
    }))

  test("fails a part whose folder was replaced by a file, and keeps the file", (folder) =>
    Effect.gen(function*() {
      const storage = yield* FilePartStorage.make({ directory: folder })
      Fs.writeFileSync(Path.join(folder, "upload_1"), "not ours")
      const error = yield* Effect.flip(storage.write(key(), inChunks(pattern(10), 10)))
      expect(error).toMatchObject({ reason: "Failed", operation: "PartStorage.write" })
      expect(tree(folder)).toEqual(["upload_1"])
    }))
})

describe.runIf(Fs.existsSync("/proc/self/fd"))("no file stays open", () => {
  test("are closed when a write ends, fails, or is interrupted at any moment", (folder) =>
    Effect.gen(function*() {
      const storage = yield* FilePartStorage.make({ directory: folder })
      yield* storage.write(key("a"), inChunks(pattern(300_000), 10_000))
      yield* Effect.flip(storage.write(key("b"), Stream.concat(inChunks(pattern(300_000), 10_000), Stream.fail("x"))))
      expect(openFiles(folder)).toEqual([])
      for (let turns = 0, succeeded = 0; succeeded < 3; turns = Math.ceil(turns * 1.1) + 1) {
        const writing = yield* Effect.fork(storage.write(key("b"), inChunks(pattern(300_000), 10_000)))
        yield* Effect.repeatN(turn, turns)
        if (Exit.isSuccess(yield* Fiber.interrupt(writing))) succeeded++
        expect(openFiles(folder)).toEqual([])
        yield* storage.remove(key("b"))
      }
      expect(tree(folder)).toEqual(["upload_1", "upload_1/a"])
    }))

  test("are closed when a read ends, fails, stops early or is interrupted", (folder) =>
    Effect.gen(function*() {
      const storage = yield* FilePartStorage.make({ directory: folder })
      yield* storage.write(key(), inChunks(pattern(2_000_000), 65_536))
      const reading = (bytes: number) => storage.read(key(), { offset: 0, bytes })
      const ends: ReadonlyArray<Effect.Effect<void, unknown>> = [
        Stream.runDrain(reading(2_000_000)),
        Stream.runDrain(reading(2_000_001)),
        Stream.runDrain(Stream.take(reading(2_000_000), 1)),
        Stream.runDrain(Stream.concat(Stream.take(reading(2_000_000), 2), Stream.fail("x"))),
        Stream.runForEach(reading(2_000_000), () => Effect.interrupt)
      ]
      for (const end of ends) {
        yield* Effect.exit(end)
        expect(openFiles(folder)).toEqual([])
      }
      for (const bytes of [10, 2_000_001]) {
        yield* Effect.exit(
          storage.readSmall([[key(), { offset: 2_000_000 - 10, bytes }], [key(), { offset: 0, bytes: 1 }]])
        )
        expect(openFiles(folder)).toEqual([])
      }
      for (let turns = 0; turns < 40; turns++) {
        const fiber = yield* Effect.fork(Stream.runDrain(reading(2_000_000)))
        yield* Effect.repeatN(turn, turns)
        yield* Fiber.interrupt(fiber)
        expect(openFiles(folder)).toEqual([])
      }
    }))

  test("are closed when a list stops early", (folder) =>
    Effect.gen(function*() {
      const storage = yield* FilePartStorage.make({ directory: folder })
      for (const upload of ["a", "b", "c"]) yield* storage.write(key("part_1", upload), inChunks(pattern(1), 1))
      yield* Stream.runDrain(Stream.take(storage.list, 1))
      expect(openFiles(folder)).toEqual([])
    }))
})

describe("the file system", () => {
  mounted(
    `that is full keeps nothing of the part, and takes the next one that fits${needs}`,
    () =>
      Effect.gen(function*() {
        const folder = yield* tinyFolder
        const storage = yield* FilePartStorage.make({ directory: folder })
        const error = yield* Effect.flip(storage.write(key(), inChunks(pattern(3_000_000), 65_536)))
        expect(error).toMatchObject({ store: "parts", reason: "Full", operation: "PartStorage.write" })
        expect(tree(folder)).toEqual([])
        expect(openFiles(folder)).toEqual([])
        expect((yield* storage.write(key(), inChunks(pattern(500_000), 65_536))).bytes).toBe(500_000)
        Fs.writeFileSync(
          Path.join(folder, ".fill"),
          pattern(Fs.statfsSync(folder).bavail * Fs.statfsSync(folder).bsize)
        )
        expect((yield* Effect.flip(storage.ping)).reason).toBe("Full")
        expect(tree(folder)).toEqual([".fill", "upload_1", "upload_1/part_1"])
        yield* storage.remove(key())
        yield* storage.ping
      })
  )

  mounted(
    `that is read-only is still read, and takes parts when it can be written${needs}`,
    () =>
      Effect.gen(function*() {
        const folder = yield* tinyFolder
        const first = yield* FilePartStorage.make({ directory: folder })
        yield* first.write(key(), inChunks(pattern(1000), 100))
        mount("-o", "remount,ro", folder)
        const storage = yield* FilePartStorage.make({ directory: folder })
        yield* Stream.runDrain(storage.read(key(), { offset: 0, bytes: 1000 }))
        const failures: ReadonlyArray<Effect.Effect<unknown, StorageError>> = [
          storage.write(key("b"), inChunks(pattern(10), 10)),
          storage.write(key("a", "upload_2"), inChunks(pattern(10), 10)),
          storage.remove(key()),
          storage.removeUpload(key().uploadId),
          storage.ping,
          FilePartStorage.make({ directory: Path.join(folder, "new") })
        ]
        for (const failure of failures) expect((yield* Effect.flip(failure)).reason).toBe("ReadOnly")
        expect(openFiles(folder)).toEqual([])
        mount("-o", "remount,rw", folder)
        yield* storage.write(key("b"), inChunks(pattern(100_000), 10_000))
        const read = yield* Effect.provideService(readAll(key("b"), 100_000), PartStorage, storage)
        expect(read.equals(pattern(100_000))).toBe(true)
      })
  )
})
