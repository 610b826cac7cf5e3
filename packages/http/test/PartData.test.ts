import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { UploadId } from "@effect-uploads/domain/Ids"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import { totalBytes } from "@effect-uploads/http/ByteLimits"
import * as PartData from "@effect-uploads/http/PartData"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { openAsBlob } from "node:fs"
import { pattern } from "./support/contract.js"
import { ownFields, tagOf } from "./support/errors.js"

const bytes = pattern(10)

/** The chunks that are read until the end or the failure, and the failure. */
const read = (data: PartData.PartData) =>
  Effect.gen(function*() {
    const chunks: Array<Uint8Array> = []
    const end = yield* Effect.either(Stream.runForEach(PartData.toStream(data), (chunk) =>
      Effect.sync(() => {
        chunks.push(chunk)
      })))
    return { bytes: Buffer.concat(chunks), error: Option.getOrUndefined(Either.getLeft(end)) }
  })

const of = (...chunks: ReadonlyArray<Uint8Array>) => Stream.fromIterable(chunks).pipe(Stream.rechunk(1))

describe("file", () => {
  const test = <E>(
    title: string,
    effect: (path: string) => Effect.Effect<void, E, FileSystem.FileSystem | Scope.Scope>
  ) =>
    it.scoped(title, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* fs.makeTempFileScoped()
        yield* fs.writeFile(path, content)
        yield* effect(path)
      }).pipe(Effect.provide(NodeFileSystem.layer)))

  // More than the 64 KiB that are read at a time.
  const content = pattern(200_000)

  test("file reads the whole file, the rest of it, or a range", (path) =>
    Effect.gen(function*() {
      const ranges = [
        [undefined, 0, 200_000],
        [{}, 0, 200_000],
        [{ offset: 150_000 }, 150_000, 200_000],
        [{ bytes: 70_000 }, 0, 70_000],
        [{ offset: 65_536, bytes: 65_537 }, 65_536, 131_073],
        [{ offset: 199_999, bytes: 1 }, 199_999, 200_000],
        [{ offset: 5, bytes: 0 }, 5, 5],
        [{ offset: 200_000 }, 200_000, 200_000],
        [{ offset: 300_000 }, 200_000, 200_000]
      ] as const
      for (const [options, from, to] of ranges) {
        const data = yield* PartData.file(path, options)
        expect(PartData.length(data)).toEqual(Option.some(to - from))
        const { bytes, error } = yield* read(data)
        expect(error).toBeUndefined()
        expect(bytes.equals(content.subarray(from, to))).toBe(true)
      }
    }))

  test("a part of a file can be read again", (path) =>
    Effect.gen(function*() {
      const data = yield* PartData.file(path, { offset: 10, bytes: 20 })
      const first = yield* read(data)
      expect(first.bytes.equals(content.subarray(10, 30))).toBe(true)
      expect(yield* read(data)).toEqual(first)
    }))

  test("file rejects an offset and a length that are no whole numbers from 0", (path) =>
    Effect.gen(function*() {
      for (const wrong of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
        for (const options of [{ offset: wrong }, { bytes: wrong }, { offset: wrong, bytes: 1 }]) {
          expect(yield* Effect.flip(PartData.file(path, options))).toMatchObject({ _tag: "BadArgument" })
        }
      }
    }))

  test("a missing file fails when its size is needed, else when it is read", (path) =>
    Effect.gen(function*() {
      const missing = `${path}.missing`
      expect(yield* Effect.flip(PartData.file(missing))).toMatchObject({ _tag: "SystemError", reason: "NotFound" })
      const { error } = yield* read(yield* PartData.file(missing, { bytes: 1 }))
      expect(error).toMatchObject({ _tag: "PartUnreadable", cause: { reason: "NotFound" } })
    }))

  test("a file that is deleted before it is read gives PartUnreadable with the reason", (path) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const vanishing = `${path}.vanishing`
      yield* fs.writeFile(vanishing, content)
      const data = yield* PartData.file(vanishing)
      yield* fs.remove(vanishing)
      const { error } = yield* read(data)
      expect(error).toBeInstanceOf(PartData.PartUnreadable)
      expect(error).toMatchObject({ cause: { _tag: "SystemError", reason: "NotFound" } })
      expect(error?.message).toContain("The data of the part could not be read: ")
      expect(error?.message).toContain(vanishing)
    }))

  test("a range past the end of the file gives PartLengthMismatch with the bytes that were read", (path) =>
    Effect.gen(function*() {
      const { bytes, error } = yield* read(yield* PartData.file(path, { offset: 199_000, bytes: 2000 }))
      expect(error && ownFields(error)).toEqual({ _tag: "PartLengthMismatch", declared: 2000, actual: 1000 })
      expect(bytes.equals(content.subarray(199_000))).toBe(true)
    }))

  test("a file that shrinks gives PartLengthMismatch, and one that grows is read up to its declared length", (path) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const data = yield* PartData.file(path)
      yield* fs.writeFile(path, pattern(200_010))
      const grown = yield* read(data)
      expect(grown.error).toBeUndefined()
      expect(grown.bytes.equals(content)).toBe(true)
      yield* fs.truncate(path, 199_999)
      const { error } = yield* read(data)
      expect(error && ownFields(error)).toEqual({ _tag: "PartLengthMismatch", declared: 200_000, actual: 199_999 })
    }))

  test("a file that changes after it was opened as a Blob gives PartUnreadable", (path) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const blob = yield* Effect.promise(() => openAsBlob(path))
      expect((yield* read(blob)).bytes.equals(content)).toBe(true)
      yield* fs.truncate(path, 100)
      expect(tagOf((yield* read(blob)).error)).toBe("PartUnreadable")
    }))

  test("the ranges of a file are stored unchanged", (path) =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService.UploadsService
      const handle = yield* UploadsMemory.UploadsServiceTest
      const request = { filename: "a.png", purpose: "vision", bytes: content.byteLength, mimeType: "image/png" }
      const upload = yield* uploads.create(request)
      for (const offset of [0, 90_000]) {
        yield* uploads.addPart(upload.id, yield* PartData.file(path, offset === 0 ? { bytes: 90_000 } : { offset }))
      }
      const parts = yield* handle.parts(upload.id)
      expect(Buffer.concat(parts.map((part) => part.bytes)).equals(content)).toBe(true)
    }).pipe(Effect.provide(UploadsMemory.layerTest)))
})

describe("length", () => {
  it("length is none for an incoming stream alone", () => {
    const view = new Uint8Array(new ArrayBuffer(100), 10, 7)
    expect(PartData.length(bytes)).toEqual(Option.some(10))
    expect(PartData.length(view)).toEqual(Option.some(7))
    expect(PartData.length(Buffer.from("ü"))).toEqual(Option.some(2))
    expect(PartData.length(new Uint8Array(new SharedArrayBuffer(5)))).toEqual(Option.some(5))
    expect(PartData.length(new Blob(["üü"]))).toEqual(Option.some(4))
    expect(PartData.length(PartData.stream(Stream.never, { bytes: 3 }))).toEqual(Option.some(3))
    expect(PartData.length(PartData.incoming(Stream.never))).toEqual(Option.none())
  })
})

describe("withProgress", () => {
  it.effect("withProgress reports the size of every chunk, and starts again at each reading", () =>
    Effect.gen(function*() {
      const heard: Array<number> = []
      const part = PartData.stream(of(bytes.subarray(0, 3), bytes.subarray(3)), { bytes: 10 })
      const data = PartData.withProgress(part, (count) => {
        heard.push(count)
      })
      expect(PartData.length(data)).toEqual(Option.some(10))
      expect(heard).toEqual([])
      expect([...(yield* read(data)).bytes]).toEqual([...bytes])
      yield* read(data)
      expect(heard).toEqual([3, 7, 3, 7])
    }))

  it.effect("withProgress keeps the error of the part", () =>
    Effect.gen(function*() {
      const { error } = yield* read(PartData.withProgress(PartData.stream(of(bytes), { bytes: 11 }), () => {}))
      expect(tagOf(error)).toBe("PartLengthMismatch")
    }))
})

describe("validate", () => {
  const uploadId = UploadId.make("upload_1")
  const validate = (data: PartData.PartData) => PartData.validate(data, { uploadId, limit: ByteSize.make(10) })
  const rejection = (data: PartData.PartData) => Option.map(Either.getLeft(validate(data)), ownFields)

  it("validate returns the length, and none for an incoming stream", () => {
    expect(validate(bytes)).toEqual(Either.right(Option.some(10)))
    expect(validate(new Uint8Array(0))).toEqual(Either.right(Option.some(0)))
    expect(validate(new Blob([new Uint8Array(bytes)]))).toEqual(Either.right(Option.some(10)))
    expect(validate(PartData.stream(Stream.never, { bytes: 10 }))).toEqual(Either.right(Option.some(10)))
    expect(validate(PartData.incoming(Stream.never))).toEqual(Either.right(Option.none()))
  })

  it("validate rejects a part above the limit in every form", () => {
    const expected = Option.some({ _tag: "PartTooLarge", uploadId, bytes: 11, limit: 10 })
    expect(rejection(new Uint8Array(11))).toEqual(expected)
    expect(rejection(new Blob([new Uint8Array(11)]))).toEqual(expected)
    expect(rejection(PartData.stream(Stream.never, { bytes: 11 }))).toEqual(expected)
  })

  it("validate rejects a length that is no whole number from 0", () => {
    for (const length of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
      expect(rejection(PartData.stream(Stream.never, { bytes: length }))).toEqual(
        Option.some({
          _tag: "InvalidRequest",
          field: "data",
          problem: `got a part of ${length} bytes`,
          limit: "a number of bytes from 0 to 2^53 - 1"
        })
      )
    }
  })
})

describe("toStream", () => {
  it.effect("toStream gives the bytes of every form", () =>
    Effect.gen(function*() {
      const forms = [
        bytes,
        Buffer.from(bytes),
        new Uint8Array(pattern(20).buffer, 0, 10),
        new Blob([new Uint8Array(bytes)]),
        new File([new Uint8Array(bytes)], "name"),
        PartData.stream(of(bytes.subarray(0, 3), new Uint8Array(0), bytes.subarray(3)), { bytes: 10 }),
        PartData.incoming(of(bytes.subarray(0, 3), bytes.subarray(3)))
      ]
      for (const form of forms) {
        const { bytes: found, error } = yield* read(form)
        expect(error).toBeUndefined()
        expect([...found]).toEqual([...bytes])
      }
      expect(yield* read(PartData.stream(Stream.empty, { bytes: 0 }))).toMatchObject({ bytes: { length: 0 } })
    }))

  it.effect("toStream fails at the end of a stream that is too short", () =>
    Effect.gen(function*() {
      const short = yield* read(PartData.stream(of(bytes.subarray(0, 3), bytes.subarray(3, 9)), { bytes: 10 }))
      expect(short.error && ownFields(short.error)).toEqual({ _tag: "PartLengthMismatch", declared: 10, actual: 9 })
      expect(short.bytes).toHaveLength(9)
      expect(short.error?.message).toBe("The part was declared with 10 bytes, and 9 were read")
      const empty = yield* read(PartData.stream(Stream.empty, { bytes: 1 }))
      expect(empty.error && ownFields(empty.error)).toEqual({ _tag: "PartLengthMismatch", declared: 1, actual: 0 })
    }))

  it.effect("toStream fails as soon as a stream is too long, and does not emit the surplus", () =>
    Effect.gen(function*() {
      const endless = Stream.repeatValue(bytes.subarray(0, 4)).pipe(Stream.rechunk(1))
      const { bytes: found, error } = yield* read(PartData.stream(endless, { bytes: 10 }))
      expect(error && ownFields(error)).toEqual({ _tag: "PartLengthMismatch", declared: 10, actual: 12 })
      expect(found).toHaveLength(8)
    }))

  it.effect("toStream keeps the error of the source as cause", () =>
    Effect.gen(function*() {
      const cause = new Error("disk on fire")
      const failed = yield* read(PartData.stream(Stream.concat(of(bytes), Stream.fail(cause)), { bytes: 20 }))
      expect(failed.error).toMatchObject({ _tag: "PartUnreadable", cause })
      expect(failed.error?.message).toBe("The data of the part could not be read: disk on fire")
      expect(failed.bytes).toHaveLength(10)
      const text = yield* read(PartData.stream(Stream.fail("no disk"), { bytes: 20 }))
      expect(text.error?.message).toBe("The data of the part could not be read: no disk")
    }))

  it.effect("toStream passes on the error of an incoming stream", () =>
    Effect.gen(function*() {
      const invalid = new InvalidRequest({ field: "data", problem: "it is missing" })
      expect((yield* read(PartData.incoming(Stream.fail(invalid)))).error).toBe(invalid)
      const unreadable = new PartData.PartUnreadable({ cause: new Error("aborted") })
      expect((yield* read(PartData.incoming(Stream.fail(unreadable)))).error).toBe(unreadable)
    }))

  it.effect("toStream counts from zero each time it is run", () =>
    Effect.gen(function*() {
      let run = 0
      const data = PartData.stream(
        Stream.suspend(() => {
          run++
          return of(bytes.subarray(0, 5), bytes.subarray(5))
        }),
        { bytes: 10 }
      )
      for (const n of [1, 2, 3]) {
        expect((yield* read(data)).error).toBeUndefined()
        expect(run).toBe(n)
      }
    }))
})

describe("collect", () => {
  const collect = (data: PartData.PartData, limit: number) =>
    PartData.collect(data, { limit, tooLarge: () => "too large" as const })

  it.effect("collect copies a stream, and returns a Uint8Array as it is", () =>
    Effect.gen(function*() {
      const chunks = [bytes.subarray(0, 3), bytes.subarray(3)]
      const collected = yield* collect(PartData.incoming(of(...chunks)), 10)
      expect(new Uint8Array(Buffer.concat([...collected]))).toEqual(bytes)
      expect(collected.map(({ buffer }) => buffer)).not.toContain(bytes.buffer)
      expect((yield* collect(bytes, 10))[0]).toBe(bytes)
    }))

  it.effect("collect keeps the bytes of small views, and not the buffers behind them", () =>
    Effect.gen(function*() {
      for (const [size, count] of [[256, 4096], [1, 50_000], [3_000_000, 2], [70_000, 9]] as const) {
        const views = Stream.range(1, count).pipe(
          Stream.map((index) => new Uint8Array(Math.max(65_536, size)).fill(index).subarray(0, size))
        )
        const chunks = yield* collect(PartData.incoming(views), size * count)
        expect(totalBytes(chunks)).toBe(size * count)
        const held = new Set(chunks.map(({ buffer }) => buffer))
        expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(size * count)
        expect(chunks.length).toBeLessThan(32)
        const joined = Buffer.concat([...chunks])
        for (const index of [1, 2, count >> 1, count]) expect(joined[(index - 1) * size]).toBe(index & 0xff)
      }
    }))

  it.effect("collect keeps the bytes of a stream that fills the same buffer again", () =>
    Effect.gen(function*() {
      const buffer = Buffer.alloc(2)
      const reusing = Stream.make(1, 2).pipe(Stream.rechunk(1), Stream.map((value) => buffer.fill(value)))
      expect(Buffer.concat(yield* collect(PartData.stream(reusing, { bytes: 4 }), 10)).join()).toBe("1,1,2,2")
    }))

  it.effect("collect accepts exactly as many bytes as the limit", () =>
    Effect.gen(function*() {
      for (const data of [bytes, new Blob([new Uint8Array(bytes)]), PartData.stream(of(bytes), { bytes: 10 })]) {
        expect(Buffer.concat([...(yield* collect(data, 10))])).toHaveLength(10)
        expect(yield* Effect.flip(collect(data, 9))).toBe("too large")
      }
      expect(yield* collect(new Uint8Array(0), 0)).toEqual([new Uint8Array(0)])
    }))

  it.effect("collect stops reading at the limit", () =>
    Effect.gen(function*() {
      let reads = 0
      const endless = Stream.repeatEffect(Effect.sync(() => {
        reads++
        return bytes
      }))
      expect(yield* Effect.flip(collect(PartData.incoming(endless), 25))).toBe("too large")
      expect(reads).toBe(3)
    }))

  it.effect("collect fails with the error of the stream", () =>
    Effect.gen(function*() {
      expect(tagOf(yield* Effect.flip(collect(PartData.stream(of(bytes), { bytes: 11 }), 100)))).toBe(
        "PartLengthMismatch"
      )
      expect(tagOf(yield* Effect.flip(collect(PartData.stream(Stream.fail("no"), { bytes: 11 }), 100)))).toBe(
        "PartUnreadable"
      )
    }))

  it.effect("collect releases the resources of the stream", () =>
    Effect.gen(function*() {
      let open = 0
      const source = Stream.acquireRelease(
        Effect.sync(() => {
          open++
          return bytes
        }),
        () =>
          Effect.sync(() => {
            open--
          })
      )
      yield* collect(PartData.stream(source, { bytes: 10 }), 10)
      yield* Effect.flip(collect(PartData.stream(source, { bytes: 10 }), 9))
      expect(open).toBe(0)
      expect(Chunk.size(yield* Stream.runCollect(source))).toBe(1)
    }))
})
