import { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { documented } from "@effect-uploads/domain/UploadLimits"
import * as PartPlan from "@effect-uploads/transfer/PartPlan"
import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"

const MiB = 1024 ** 2

const plan = (bytes: number, concurrency: number, partSize?: number, limits: Limits = documented) =>
  PartPlan.make({ bytes: ByteSize.make(bytes), concurrency, partSize, limits })

const parts = (...args: Parameters<typeof plan>) => Either.getOrThrow(plan(...args))

const concurrency = FastCheck.integer({ min: 1, max: 256 })
const bytes = FastCheck.integer({ min: 1, max: 8 * 1024 * MiB })
/** Part sizes that divide a file into at most 5000 parts. */
const sizes = bytes.chain((bytes) =>
  FastCheck.tuple(
    FastCheck.constant(bytes),
    FastCheck.integer({ min: Math.max(1, Math.ceil(bytes / 5000)), max: 64 * MiB })
  )
)

const expectCover = (bytes: number, parts: ReadonlyArray<PartPlan.PartRange>) => {
  let end = 0
  parts.forEach((part, position) => {
    if (part.index !== position || part.offset !== end || part.bytes < 1) {
      expect.fail(`part ${position} is ${JSON.stringify(part)} after ${end} bytes`)
    }
    end += part.bytes
  })
  expect(end).toBe(bytes)
}

describe("PartPlan.make", () => {
  it.prop("covers the file once and in order, in parts of the requested size", [sizes, concurrency], ([
    [bytes, partSize],
    concurrency
  ]) => {
    const ranges = parts(bytes, concurrency, partSize)
    expectCover(bytes, ranges)
    expect(ranges.slice(0, -1).every((part) => part.bytes === partSize)).toBe(true)
    expect(ranges.at(-1)?.bytes).toBeLessThanOrEqual(partSize)
  })

  it.prop("covers the file once and in order, in parts within the limits, without a requested size", [
    bytes,
    concurrency
  ], ([
    bytes,
    concurrency
  ]) => {
    const ranges = parts(bytes, concurrency)
    expectCover(bytes, ranges)
    expect(Math.max(...ranges.map((part) => part.bytes))).toBeLessThanOrEqual(documented.partBytes)
  })

  it.prop("stays within the limits of another service", [
    FastCheck.integer({ min: 1, max: 100_000 }),
    concurrency,
    FastCheck.integer({ min: 100, max: 5000 })
  ], ([bytes, concurrency, most]) => {
    const limits = { ...documented, partBytes: ByteSize.make(most) }
    const ranges = parts(bytes, concurrency, undefined, limits)
    expectCover(bytes, ranges)
    expect(Math.max(...ranges.map((part) => part.bytes))).toBeLessThanOrEqual(most)
  })

  it.prop(
    "divides a file of medium size equally among all parts of a round, except for the last bytes",
    [FastCheck.integer({ min: 1, max: 64 })],
    ([concurrency]) => {
      for (const share of [MiB, 3 * MiB + 1, 64 * MiB, 65 * MiB, 128 * MiB]) {
        const ranges = parts(share * concurrency, concurrency)
        expect(ranges.length % concurrency).toBe(0)
        const most = ranges[0]?.bytes ?? 0
        expect(most - (ranges.at(-1)?.bytes ?? 0)).toBeLessThan(ranges.length)
      }
    }
  )

  it.prop("divides a large file into the largest parts", [
    FastCheck.integer({ min: 1, max: 16 }),
    FastCheck.integer({ min: 1, max: 64 * MiB })
  ], ([concurrency, more]) => {
    const bytes = 2 * concurrency * documented.partBytes + more
    const ranges = parts(bytes, concurrency)
    expect(ranges[0]?.bytes).toBe(documented.partBytes)
    expect(ranges).toHaveLength(Math.ceil(bytes / documented.partBytes))
  })

  it("does not divide a file into parts below one MiB", () => {
    expect(parts(MiB, 4)).toEqual([{ index: 0, offset: 0, bytes: MiB }])
    expect(parts(MiB + 1, 4).map((part) => part.bytes)).toEqual([MiB, 1])
    expect(parts(1, 4)).toEqual([{ index: 0, offset: 0, bytes: 1 }])
  })

  it("divides the largest file into 128 parts", () => {
    expect(parts(documented.uploadBytes, 4)).toHaveLength(128)
  })

  it.prop("has no more parts than an Upload can have", [
    FastCheck.integer({ min: 1, max: 60 }),
    concurrency,
    FastCheck.integer({ min: 1, max: 50 })
  ], ([most, concurrency, share]) => {
    const limits = { ...documented, parts: most }
    const bytes = most * share * MiB
    const ranges = parts(bytes, concurrency, undefined, limits)
    expectCover(bytes, ranges)
    expect(ranges.length).toBeLessThanOrEqual(most)
  })

  it("rejects a partSize that makes more parts than an Upload can have", () => {
    expect(parts(10_000, 4, 1)).toHaveLength(10_000)
    expect(Either.getOrThrow(Either.flip(plan(10_001, 4, 1)))).toMatchObject({
      _tag: "InvalidRequest",
      field: "partSize",
      problem: "got 1, which makes 10001 parts of 10001 bytes",
      limit: "at least 2, because an Upload has at most 10000 parts"
    })
  })

  it("rejects a file that has no room in the parts of an Upload", () => {
    const limits = { ...documented, partBytes: ByteSize.make(1000), parts: 3 }
    expect(parts(3000, 4, undefined, limits)).toHaveLength(3)
    expect(Either.getOrThrow(Either.flip(plan(3001, 4, undefined, limits)))).toMatchObject({
      _tag: "InvalidRequest",
      field: "bytes",
      problem: "got 3001",
      limit: "3000, in 3 parts"
    })
  })

  it("has no parts for zero bytes", () => {
    expect(parts(0, 4)).toEqual([])
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 257])("rejects a concurrency of %d", (concurrency) => {
    expect(Either.getOrThrow(Either.flip(plan(10, concurrency)))).toMatchObject({
      _tag: "InvalidRequest",
      field: "concurrency",
      problem: `got ${concurrency}`,
      limit: "a whole number from 1 to 256"
    })
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 64 * MiB + 1])("rejects a partSize of %d", (partSize) => {
    expect(Either.getOrThrow(Either.flip(plan(10, 4, partSize)))).toMatchObject({
      _tag: "InvalidRequest",
      field: "partSize",
      problem: `got ${partSize}`,
      limit: "a whole number from 1 to 67108864"
    })
  })

  it("accepts the largest part size and the largest concurrency", () => {
    expect(parts(64 * MiB + 1, 256, 64 * MiB).map((part) => part.bytes)).toEqual([64 * MiB, 1])
  })
})
