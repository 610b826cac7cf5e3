import * as EventLoop from "@effect-uploads/http/EventLoop"
import * as Md5Hasher from "@effect-uploads/transfer/Md5Hasher"
import * as NodeMd5Hasher from "@effect-uploads/transfer/NodeMd5Hasher"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { createHash } from "node:crypto"
import { availableParallelism } from "node:os"
import type { Worker } from "node:worker_threads"

const data = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff)

const expected = createHash("md5").update(data).digest("hex")

const written = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempFileScoped()
  yield* fs.writeFile(path, data)
  return path
})

/** The threads that this process starts during the test. A thread that has ended has the id -1. */
const startedThreads = Effect.gen(function*() {
  const started: Array<Worker> = []
  const onWorker = (worker: Worker) => void started.push(worker)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("worker", onWorker)),
    () => Effect.sync(() => process.off("worker", onWorker))
  )
  return started
})

describe("NodeMd5Hasher", () => {
  it.scopedLive("hashes chunks on a thread without detaching them from the caller", () =>
    Effect.gen(function*() {
      const { make } = yield* Md5Hasher.Md5Hasher
      const hash = yield* make
      for (let offset = 0; offset < data.length; offset += 1_000_000) {
        yield* hash.update(data.subarray(offset, offset + 1_000_000))
      }
      expect(yield* hash.digest).toBe(expected)
      expect(data.byteLength).toBe(3_000_000)
    }).pipe(Effect.provide(NodeMd5Hasher.layer)))

  it.scopedLive("reads a file by itself, and fails with the reason when it cannot", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { file } = yield* Md5Hasher.Md5Hasher
      if (file === undefined) return yield* Effect.dieMessage("NodeMd5Hasher reads files")
      const path = yield* fs.makeTempFileScoped()
      yield* fs.writeFile(path, data)
      expect(yield* file(path)).toBe(expected)
      const small = data.subarray(0, 1024 * 1024)
      yield* fs.writeFile(path, small)
      expect(yield* file(path)).toBe(createHash("md5").update(small).digest("hex"))
      const error = yield* Effect.flip(file(`${path}-missing`))
      expect(error).toBeInstanceOf(Md5Hasher.Md5Failed)
      expect(error.message).toContain("ENOENT")
    }).pipe(Effect.provide([NodeMd5Hasher.layer, NodeFileSystem.layer])))

  it.scopedLive("keeps the threads for further files, as many as there are processors at most", () =>
    Effect.gen(function*() {
      const started = yield* startedThreads
      const path = yield* written
      yield* Effect.gen(function*() {
        const { file = expect.fail("NodeMd5Hasher reads files") } = yield* Md5Hasher.Md5Hasher
        const hashes = Effect.forEach(Array.from({ length: 6 }, () => path), file, { concurrency: "unbounded" })
        expect(new Set([...yield* hashes, ...yield* hashes])).toEqual(new Set([expected]))
        expect(started.length).toBeGreaterThan(0)
        expect(started.length).toBeLessThanOrEqual(availableParallelism())
      }).pipe(Effect.provide(NodeMd5Hasher.layer))
      // The layer has ended, and its threads with it.
      expect(started.map(({ threadId }) => threadId)).toEqual(started.map(() => -1))
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.scopedLive("hashes the next file on another thread after an interruption, and ends the one that still reads", () =>
    Effect.gen(function*() {
      const started = yield* startedThreads
      const path = yield* written
      const { file = expect.fail("NodeMd5Hasher reads files") } = yield* Md5Hasher.Md5Hasher
      const fiber = yield* Effect.fork(file(path))
      while (started.length === 0) yield* EventLoop.nextTurn
      yield* Fiber.interrupt(fiber)
      expect(yield* file(path)).toBe(expected)
      expect(started.map(({ threadId }) => threadId > 0)).toEqual([false, true])
    }).pipe(Effect.provide([NodeMd5Hasher.layer, NodeFileSystem.layer])))
})
