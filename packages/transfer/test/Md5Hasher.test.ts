import { Md5Hasher } from "@effect-uploads/transfer/Md5Hasher"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import { bytesOf, md5Of } from "./fixtures.js"

const hashOf = (pieces: ReadonlyArray<Uint8Array>) =>
  Effect.scoped(Effect.gen(function*() {
    const hash = yield* (yield* Md5Hasher).make
    yield* Effect.forEach(pieces, hash.update, { discard: true })
    return yield* hash.digest
  }))

describe("the default Md5Hasher", () => {
  it.effect.prop(
    "computes the md5 of node:crypto for any split of the bytes",
    [FastCheck.array(FastCheck.uint8Array({ maxLength: 300 }), { maxLength: 20 })],
    ([pieces]) =>
      Effect.gen(function*() {
        expect(yield* hashOf(pieces)).toBe(md5Of(Buffer.concat(pieces)))
      })
  )

  it.effect("computes the md5 of chunks that are hashed in several turns", () =>
    Effect.gen(function*() {
      for (const length of [0, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 2_000_003]) {
        const bytes = bytesOf(length)
        expect(yield* hashOf([bytes])).toBe(md5Of(bytes))
      }
    }))

  it.effect("keeps two hashes apart that are computed at the same time", () =>
    Effect.gen(function*() {
      const a = bytesOf(1000, 1)
      const b = bytesOf(1000, 2)
      const [first, second] = yield* Effect.all([hashOf([a, b]), hashOf([b, a])], { concurrency: 2 })
      expect([first, second]).toEqual([md5Of(Buffer.concat([a, b])), md5Of(Buffer.concat([b, a]))])
    }))

  it.live("lets the event loop run other work after each half MiB of a large chunk", () =>
    Effect.gen(function*() {
      const turns = yield* Ref.make(0)
      const turn = Effect.async<void>((resume) => {
        const immediate = setImmediate(() => resume(Effect.void))
        return Effect.sync(() => clearImmediate(immediate))
      })
      const others = yield* Effect.fork(Effect.forever(Effect.zipRight(turn, Ref.update(turns, (n) => n + 1))))
      yield* hashOf([bytesOf(4 * 1024 * 1024)])
      yield* Fiber.interrupt(others)
      expect(yield* Ref.get(turns)).toBeGreaterThanOrEqual(8)
    }))
})
