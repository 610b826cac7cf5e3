import * as EventLoop from "@effect-uploads/http/EventLoop"
import { Md5Hasher } from "@effect-uploads/transfer/Md5Hasher"
import * as NodeMd5Hasher from "@effect-uploads/transfer/NodeMd5Hasher"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as javascript from "../src/internal/md5/javascript.js"
import * as native from "../src/internal/md5/native.js"
import { inTurns } from "../src/internal/md5/portable.js"
import * as webAssembly from "../src/internal/md5/webAssembly.js"
import { bytesOf, md5Of } from "./fixtures.js"

const hashers = {
  "the default": Effect.flatMap(Md5Hasher, ({ make }) => make),
  "node:crypto": Effect.map(native.make, inTurns),
  "WebAssembly": Effect.map(Effect.promise(webAssembly.make), inTurns),
  "JavaScript": Effect.map(javascript.make, inTurns),
  "a thread of Node": Effect.provide(Effect.flatMap(Md5Hasher, ({ make }) => make), NodeMd5Hasher.layer)
}

const hashOf = (hasher: (typeof hashers)[keyof typeof hashers], chunks: ReadonlyArray<Uint8Array>) =>
  Effect.scoped(Effect.gen(function*() {
    const hash = yield* hasher
    yield* Effect.forEach(chunks, hash.update, { discard: true })
    return yield* hash.digest
  }))

const data = bytesOf(2 * 1024 * 1024 + 1)

describe.each(Object.entries(hashers))("md5 by %s", (_, hasher) => {
  it.effect.prop(
    "is the md5 of the bytes, however they are split into chunks",
    [FastCheck.array(FastCheck.uint8Array({ maxLength: 150 }), { maxLength: 8 })],
    ([chunks]) =>
      Effect.gen(function*() {
        expect(yield* hashOf(hasher, chunks)).toBe(md5Of(Buffer.concat(chunks)))
      }),
    // A thread is started for each run.
    { fastCheck: { numRuns: 25 } }
  )

  it.effect("is the md5 of chunks around the sizes at which the event loop gets a turn", () =>
    Effect.gen(function*() {
      const turn = 512 * 1024
      for (const length of [0, turn - 1, turn, turn + 1, 2 * turn, 4 * turn + 1]) {
        const bytes = data.subarray(0, length)
        expect(yield* hashOf(hasher, [bytes])).toBe(md5Of(bytes))
        expect(yield* hashOf(hasher, [bytes.subarray(0, length - 7), bytes.subarray(length - 7)])).toBe(md5Of(bytes))
      }
    }))

  it.effect("is that of its own bytes when two are computed at the same time", () =>
    Effect.gen(function*() {
      const a = data.subarray(0, 1_200_000)
      const b = data.subarray(700_000)
      const md5s = yield* Effect.all([hashOf(hasher, [a, b]), hashOf(hasher, [b, a])], { concurrency: 2 })
      expect(md5s).toEqual([md5Of(Buffer.concat([a, b])), md5Of(Buffer.concat([b, a]))])
    }))
})

describe("hashing in turns", () => {
  const bytesPerTurn = 1000

  /** Hashes chunks of these sizes, and counts the bytes that are hashed between two turns of the event loop. */
  const bytesOfTurns = (chunks: ReadonlyArray<number>) =>
    Effect.gen(function*() {
      const turns = [0]
      const hash = inTurns({
        bytesPerTurn,
        update: ({ byteLength }) => turns.push((turns.pop() ?? 0) + byteLength),
        digest: () => ""
      })
      const others = yield* Effect.fork(
        Effect.forever(Effect.zipRight(EventLoop.nextTurn, Effect.sync(() => turns.push(0))))
      )
      yield* EventLoop.nextTurn
      yield* Effect.forEach(chunks, (length) => hash.update(bytesOf(length)), { discard: true })
      yield* Fiber.interrupt(others)
      return turns.filter((bytes) => bytes > 0)
    })

  it.effect("gives other work a turn within a large chunk, and needs no clock for it", () =>
    Effect.gen(function*() {
      expect(yield* bytesOfTurns([3 * bytesPerTurn + 1])).toEqual([1000, 1000, 1000, 1])
    }))

  it.effect("spends a turn on several small chunks", () =>
    Effect.gen(function*() {
      expect(yield* bytesOfTurns(Array.from({ length: 17 }, () => 150))).toEqual([1000, 1000, 550])
    }))
})
