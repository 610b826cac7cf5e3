import { randomFileId, randomHexDigits, randomPartId, randomUploadId } from "@effect-uploads/domain/Ids"
import * as SecureRandom from "@effect-uploads/domain/SecureRandom"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"

const ids = Effect.all([randomUploadId, randomPartId, randomFileId, randomHexDigits])

const constant = (byte: number) =>
  Layer.succeed(SecureRandom.SecureRandom, { bytes: (count) => Effect.succeed(new Uint8Array(count).fill(byte)) })

describe("SecureRandom", () => {
  it.effect("ids have the documented form", () =>
    Effect.gen(function*() {
      const [uploadId, partId, fileId, digits] = yield* ids
      expect(uploadId).toMatch(/^upload_[0-9a-f]{32}$/)
      expect(partId).toMatch(/^part_[0-9a-f]{32}$/)
      expect(fileId).toMatch(/^file-[0-9A-Za-z]{22}$/)
      expect(digits).toMatch(/^[0-9a-f]{32}$/)
    }))

  it.effect("ids cannot be predicted from the seed of Effect's Random", () =>
    Effect.gen(function*() {
      const seeded = Effect.withRandom(ids, Random.make("seed"))
      const [first, second] = [yield* seeded, yield* seeded]
      first.forEach((id, index) => expect(id).not.toBe(second[index]))
    }))

  it.effect("10,000 ids are unique and use the whole alphabet", () =>
    Effect.gen(function*() {
      const uploadIds = yield* Effect.replicateEffect(randomUploadId, 10_000)
      const fileIds = yield* Effect.replicateEffect(randomFileId, 10_000)
      expect(new Set([...uploadIds, ...fileIds]).size).toBe(20_000)
      expect(new Set(uploadIds.join("").replaceAll("upload_", "")).size).toBe(16)
      expect(new Set(fileIds.join("").replaceAll("file-", "")).size).toBe(62)
    }))

  it.effect("any number of bytes is random, and belongs to its caller", () =>
    Effect.gen(function*() {
      const { bytes } = SecureRandom.cryptographic
      for (const count of [0, 1, 4095, 4096, 4097, 65_536]) {
        const [first, second] = [yield* bytes(count), yield* bytes(count)]
        expect([first.byteLength, second.byteLength]).toEqual([count, count])
        if (count > 1) expect(second).not.toEqual(first)
        if (count > 1000) expect(first.filter((byte) => byte === 0).byteLength).toBeLessThan(count / 64)
        const copy = second.slice()
        first.fill(0)
        yield* bytes(4096)
        expect(second).toEqual(copy)
      }
    }))

  it.effect("a layer replaces the source of ids", () =>
    Effect.gen(function*() {
      expect(yield* Effect.provide(ids, constant(0))).toEqual([
        `upload_${"00".repeat(16)}`,
        `part_${"00".repeat(16)}`,
        `file-${"A".repeat(22)}`,
        "00".repeat(16)
      ])
      expect(yield* Effect.provide(randomHexDigits, constant(255))).toBe("ff".repeat(16))
    }))

  it.effect("layerTest repeats the ids of a seed", () =>
    Effect.gen(function*() {
      const withSeed = (seed: string) => Effect.provide(Effect.all([ids, ids]), SecureRandom.layerTest(seed))
      const [first, second] = yield* withSeed("a")
      expect(second).not.toEqual(first)
      expect(yield* withSeed("a")).toEqual([first, second])
      expect(yield* withSeed("b")).not.toEqual([first, second])
    }))
})
