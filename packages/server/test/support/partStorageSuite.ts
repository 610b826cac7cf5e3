import { PartId, UploadId } from "@effect-uploads/domain/Ids"
import type { PartKey } from "@effect-uploads/server/PartStorage"
import { PartStorage } from "@effect-uploads/server/PartStorage"
import { StorageError } from "@effect-uploads/server/StorageError"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { checksum } from "./checksum.js"

export const key = (partId = "part_1", uploadId = "upload_1"): PartKey => ({
  uploadId: UploadId.make(uploadId),
  partId: PartId.make(partId)
})

/** Bytes that differ everywhere, so that an exchange of any two shows. */
export const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + (index >> 16)) & 0xff)

export const inChunks = (data: Uint8Array, length: number): Stream.Stream<Uint8Array> =>
  Stream.rechunk(
    Stream.range(0, Math.ceil(data.byteLength / length) - 1).pipe(
      Stream.map((index) => data.subarray(index * length, (index + 1) * length))
    ),
    1
  )

/** One turn of the event loop: what the system has done by then is seen. */
export const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

export const readAll = (key: PartKey, bytes: number, offset = 0) =>
  Effect.flatMap(PartStorage, (storage) => Stream.runCollect(storage.read(key, { offset, bytes }))).pipe(
    Effect.map((chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks)))
  )

export const listed = Effect.flatMap(PartStorage, (storage) => Stream.runCollect(storage.list)).pipe(
  Effect.map((keys) => Chunk.toReadonlyArray(keys).map(({ partId, uploadId }) => `${uploadId}/${partId}`).sort())
)

const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => error instanceof StorageError ? error.reason : error)

/** What every `PartStorage` does. Each test builds the layer anew. */
export const suite = <E>(name: string, layer: Layer.Layer<PartStorage, E>): void => {
  const test = <A, E2>(title: string, effect: () => Effect.Effect<A, E2, PartStorage>) =>
    it.effect(title, () => Effect.provide(effect(), layer))

  describe(name, () => {
    it.effect.prop(
      "gives back any bytes in any chunks, counted and hashed",
      [
        fc.array(fc.oneof(fc.nat(3), fc.nat(200_000), fc.nat(700_000)), { maxLength: 8 }),
        fc.integer({ min: 1, max: 4 })
      ],
      ([lengths, together]) =>
        Effect.gen(function*() {
          const storage = yield* PartStorage
          const data = pattern(lengths.reduce((sum, length) => sum + length, 0))
          let start = 0
          const chunks = lengths.map((length) => data.subarray(start, start += length))
          const written = yield* storage.write(key(), Stream.rechunk(Stream.fromIterable(chunks), together))
          expect(written).toEqual({ bytes: data.byteLength, checksum: checksum(data) })
          expect((yield* readAll(key(), data.byteLength)).equals(data)).toBe(true)
        }).pipe(Effect.provide(layer)),
      { fastCheck: { numRuns: 30 } }
    )

    test("writes the content that a chunk had when it arrived, although its buffer is reused", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const data = pattern(1_000_000)
        const buffer = new Uint8Array(10_000)
        const reusing = Stream.map(inChunks(data, 10_000), (bytes) => {
          buffer.set(bytes)
          return buffer
        })
        yield* storage.write(key(), reusing)
        expect((yield* readAll(key(), 1_000_000)).equals(data)).toBe(true)
      }))

    test("reads any range exactly", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const data = pattern(1_000_000)
        yield* storage.write(key(), inChunks(data, 65_536))
        for (
          const [offset, bytes] of [[0, 0], [0, 1], [65_535, 2], [65_536, 131_072], [999_999, 1], [1_000_000, 0]]
        ) {
          expect(
            (yield* readAll(key(), bytes ?? 0, offset)).equals(data.subarray(offset, (offset ?? 0) + (bytes ?? 0)))
          )
            .toBe(true)
        }
        expect(yield* reasonOf(readAll(key(), 2, 999_999))).toBe("Missing")
        expect(yield* reasonOf(readAll(key("part_2"), 1))).toBe("Missing")
        expect(yield* reasonOf(readAll(key("part_1", "upload_2"), 1))).toBe("Missing")
      }))

    test("reads small ranges of many parts in their order", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const parts = [1, 65_536, 0, 300, 7].map((bytes, index) => [key(`part_${index}`), pattern(bytes)] as const)
        for (const [key, data] of parts) yield* storage.write(key, Stream.make(data))
        const whole = parts.map(([key, data]) => [key, { offset: 0, bytes: data.byteLength }] as const).reverse()
        const read = yield* storage.readSmall([...whole, [key("part_3"), { offset: 298, bytes: 2 }]])
        const expected = [...parts.map(([, data]) => data).reverse(), pattern(300).subarray(298)]
        expect(read.map((data) => Buffer.from(data))).toEqual(expected.map((data) => Buffer.from(data)))
        expect(yield* storage.readSmall([])).toEqual([])
        for (const id of ["part_0", "part_9"]) {
          expect(yield* reasonOf(storage.readSmall([...whole, [key(id), { offset: 1, bytes: 1 }]]))).toBe("Missing")
        }
      }))

    test("stores no bytes of a source that fails", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        for (const length of [0, 10, 1_000_000]) {
          const failing = Stream.concat(inChunks(pattern(length), 65_536), Stream.fail("lost" as const))
          expect(yield* Effect.flip(storage.write(key(), failing))).toBe("lost")
          expect(yield* listed).toEqual([])
        }
        yield* storage.write(key(), inChunks(pattern(10), 10))
        expect(yield* listed).toEqual(["upload_1/part_1"])
      }))

    test("stores no bytes of an interrupted write, at any moment", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const data = pattern(600_000)
        let succeeded = 0
        let interrupted = 0
        for (let turns = 0; succeeded < 5; turns = turns < 40 ? turns + 1 : Math.ceil(turns * 1.1)) {
          const writing = yield* Effect.fork(storage.write(key(), inChunks(data, 65_536)))
          yield* Effect.repeatN(turn, turns)
          const exit = yield* Fiber.interrupt(writing)
          if (Exit.isSuccess(exit)) succeeded++
          else interrupted++
          expect(yield* listed).toEqual(Exit.isSuccess(exit) ? ["upload_1/part_1"] : [])
          yield* storage.remove(key())
        }
        expect(interrupted).toBeGreaterThan(5)
      }))

    test("can be interrupted while the source is silent", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const writing = yield* Effect.fork(storage.write(key(), Stream.concat(inChunks(pattern(10), 5), Stream.never)))
        yield* Effect.repeat(listed, { until: (keys) => keys.length === 1 })
        yield* Fiber.interrupt(writing)
        expect(yield* listed).toEqual([])
      }))

    test("removes a part and an Upload, and succeeds for what does not exist", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const all = [key("a"), key("b"), key("c"), key("a", "upload_2")]
        yield* Effect.forEach(all, (key) => storage.write(key, inChunks(pattern(10), 10)), { concurrency: "unbounded" })
        expect(yield* listed).toEqual(["upload_1/a", "upload_1/b", "upload_1/c", "upload_2/a"])
        yield* storage.remove(key("b"))
        yield* storage.remove(key("b"))
        expect(yield* listed).toEqual(["upload_1/a", "upload_1/c", "upload_2/a"])
        yield* storage.removeUpload(UploadId.make("upload_1"))
        yield* storage.removeUpload(UploadId.make("upload_1"))
        expect(yield* listed).toEqual(["upload_2/a"])
        expect(yield* reasonOf(readAll(key("a"), 1))).toBe("Missing")
      }))

    test("a read that has started reads to the end", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const data = pattern(2_000_000)
        yield* storage.write(key(), inChunks(data, 65_536))
        const chunks = yield* storage.read(key(), { offset: 0, bytes: 2_000_000 }).pipe(
          Stream.tap(() => storage.removeUpload(key().uploadId)),
          Stream.runCollect
        )
        expect(Buffer.concat(Chunk.toReadonlyArray(chunks)).equals(data)).toBe(true)
        expect(yield* listed).toEqual([])
      }))

    test("the parts of a removed Upload are complete or do not exist", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const data = pattern(100_000)
        for (let round = 0; round < 20; round++) {
          const keys = Array.from({ length: 8 }, (_, index) => key(`part_${index}`))
          const writing = yield* Effect.fork(Effect.forEach(
            keys,
            (key) => Effect.either(storage.write(key, inChunks(data, 10_000))),
            { concurrency: "unbounded" }
          ))
          yield* Effect.repeatN(Effect.zipRight(turn, storage.removeUpload(key().uploadId)), round)
          const ends = yield* Fiber.join(writing)
          expect(ends.flatMap(Either.match({ onLeft: ({ reason }) => [reason], onRight: () => [] })))
            .toEqual(ends.filter(Either.isLeft).map(() => "Missing"))
          const names = yield* listed
          for (const part of keys.filter(({ partId }) => names.includes(`upload_1/${partId}`))) {
            expect((yield* readAll(part, data.byteLength)).equals(data)).toBe(true)
          }
          yield* storage.removeUpload(key().uploadId)
          expect(yield* listed).toEqual([])
        }
      }))

    test("lists while parts are written and removed", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        const stays = key("stays", "upload_0")
        yield* storage.write(stays, inChunks(pattern(10), 10))
        const changing = yield* Effect.fork(Effect.forEach(
          Array.from({ length: 60 }, (_, index) => key("part_1", `upload_${index % 6 + 1}`)),
          (key) => Effect.zipRight(storage.write(key, inChunks(pattern(10), 10)), storage.removeUpload(key.uploadId)),
          { concurrency: 6, discard: true }
        ))
        while ((yield* Fiber.status(changing))._tag !== "Done") {
          expect(yield* listed).toContain("upload_0/stays")
          yield* turn
        }
        // Two with the same id may meet.
        yield* Effect.exit(Fiber.join(changing))
      }))

    test("rejects ids that could be paths", () =>
      Effect.gen(function*() {
        const storage = yield* PartStorage
        for (const id of ["..", ".", "a/b", "../a", "a\u0000", "a\n", "é", "a.incoming", "a b", "\\"]) {
          for (const bad of [key(id), key("part_1", id)]) {
            expect(yield* reasonOf(storage.write(bad, Stream.empty))).toBe("Failed")
            expect(yield* reasonOf(Stream.runDrain(storage.read(bad, { offset: 0, bytes: 0 })))).toBe("Failed")
            expect(yield* reasonOf(storage.remove(bad))).toBe("Failed")
          }
          expect(yield* reasonOf(storage.removeUpload(UploadId.make(id)))).toBe("Failed")
        }
        expect(yield* listed).toEqual([])
      }))

    test("reports that it can be written", () => Effect.flatMap(PartStorage, (storage) => storage.ping))
  })
}
