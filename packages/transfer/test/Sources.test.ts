import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { documented, UploadLimits } from "@effect-uploads/domain/UploadLimits"
import * as PartData from "@effect-uploads/http/PartData"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { Both } from "./fixtures.js"
import { both, bytesOf, calls, changed, expectFiles, md5Of, statuses, written } from "./fixtures.js"

const env = Layer.merge(both, NodeFileSystem.layer)

const test = <E>(
  title: string,
  effect: () => Effect.Effect<void, E, Both | FileSystem.FileSystem | Scope.Scope>
) => it.scoped(title, () => Effect.provide(effect(), env))

const purpose = "user_data"
const data = bytesOf(10_000)
const named = { purpose, filename: "data.bin", partSize: 3000 } as const

/** The requests to create and to complete. */
const requestsOf = <A, E, R>(transfer: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const requests: Array<object> = []
    yield* changed((uploads) => ({
      create: (request) => {
        requests.push(request)
        return uploads.create(request)
      },
      complete: (id, request) => {
        requests.push(request)
        return uploads.complete(id, request)
      }
    }))(transfer)
    return requests
  })

/** Runs an effect before the first part is sent. */
const meanwhile = <E>(change: Effect.Effect<void, E>) =>
  changed((uploads) => {
    let first = true
    return {
      addPart: (id, data) =>
        Effect.zipRight(
          Effect.suspend(() => {
            const run = first
            first = false
            return run ? Effect.orDie(change) : Effect.void
          }),
          uploads.addPart(id, data)
        )
    }
  })

describe("a path", () => {
  test("is sent completely, with the name and type of its file", () =>
    Effect.gen(function*() {
      const path = yield* written(data, "report.pdf")
      const requests = yield* requestsOf(Transfer.file(path, { purpose, partSize: 3000 }))
      expect(requests).toMatchObject([
        { filename: "report.pdf", purpose, bytes: 10_000, mimeType: "application/pdf" },
        { md5: md5Of(data) }
      ])
      expect(yield* calls("addPart")).toBe(4)
      yield* expectFiles(data)
    }))

  for (
    const [path, name] of [
      ["back\\slash.bin", "back\\slash.bin"],
      ["two\nlines/data.bin", "data.bin"],
      ["fol\\der/\r\n/data.bin", "data.bin"]
    ] as const
  ) {
    test(`of ${JSON.stringify(path)} has the name ${JSON.stringify(name)} on a system whose separator is a slash`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* fs.makeTempDirectoryScoped()
        const file = `${folder}/${path}`
        yield* fs.makeDirectory(file.slice(0, file.lastIndexOf("/")), { recursive: true })
        yield* fs.writeFile(file, data)
        const [create] = yield* requestsOf(Transfer.file(file, { purpose }))
        expect(create).toHaveProperty("filename", name)
      }))
  }

  test("has the last segment after either slash as its name on Windows", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const fs = yield* FileSystem.FileSystem
      const windows = (file: string) =>
        Effect.updateService(FileSystem.FileSystem, () => ({
          ...fs,
          stat: () => fs.stat(path),
          access: () => Effect.void,
          realPath: () => Effect.succeed(`C:\\${file}`),
          stream: (_, options) => fs.stream(path, options)
        }))
      for (const file of ["folder\\data.bin", "folder/data.bin", "data.bin", "a/b\\data.bin", "a\\b/data.bin"]) {
        const [create] = yield* requestsOf(Transfer.file(file, { purpose }).pipe(windows(file)))
        expect(create).toHaveProperty("filename", "data.bin")
      }
    }))

  test("is sent with the name, type and lifetime of the options", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const options = {
        purpose,
        filename: "another",
        mimeType: "text/x-own",
        expiresAfter: Duration.hours(2)
      } as const
      const [create] = yield* requestsOf(Transfer.file(path, options))
      expect(create).toMatchObject(options)
    }))

  test("has the type application/octet-stream when its file name has none", () =>
    Effect.gen(function*() {
      const [create] = yield* requestsOf(Transfer.file(yield* written(data, "data"), { purpose }))
      expect(create).toMatchObject({ filename: "data", mimeType: "application/octet-stream" })
    }))

  test("is sent completely when its chunks end in the middle of a part", () =>
    Effect.gen(function*() {
      const large = bytesOf(1_500_000)
      const path = yield* written(large)
      yield* Transfer.file(path, { purpose, partSize: 700_001 })
      yield* expectFiles(large)
    }))

  test("of an empty file fails with SourceEmpty before any request", () =>
    Effect.gen(function*() {
      const path = yield* written(new Uint8Array())
      expect(yield* Effect.flip(Transfer.file(path, { purpose }))).toMatchObject({ _tag: "SourceEmpty", name: path })
      expect(yield* calls("create")).toBe(0)
    }))

  test("of a file above the limit fails with SourceTooLarge before any request", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* written(data)
      yield* fs.truncate(path, documented.uploadBytes + 1)
      expect(yield* Effect.flip(Transfer.file(path, { purpose }))).toMatchObject({
        _tag: "SourceTooLarge",
        name: path,
        bytes: documented.uploadBytes + 1,
        limit: documented.uploadBytes
      })
      expect(yield* calls("create")).toBe(0)
    }))

  test("of a directory fails with SourceNotAFile before any request", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* fs.makeTempDirectoryScoped()
      expect(yield* Effect.flip(Transfer.file(path, { purpose }))).toMatchObject({
        _tag: "SourceNotAFile",
        name: path,
        type: "Directory"
      })
      expect(yield* calls("create")).toBe(0)
    }))

  test("of no file fails with SourceNotFound before any request", () =>
    Effect.gen(function*() {
      const path = `${yield* written(data)}.not`
      expect(yield* Effect.flip(Transfer.file(path, { purpose }))).toMatchObject({ _tag: "SourceNotFound", name: path })
      expect(yield* calls("create")).toBe(0)
    }))

  const denied = new SystemError({ reason: "PermissionDenied", module: "FileSystem", method: "access" })

  test("without the permission to read fails with SourceUnreadable before any request", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const error = yield* Transfer.file(path, { purpose }).pipe(
        Effect.updateService(FileSystem.FileSystem, (fs) => ({ ...fs, access: () => Effect.fail(denied) })),
        Effect.flip
      )
      expect(error).toMatchObject({ _tag: "SourceUnreadable", name: path, cause: denied })
      expect(yield* calls("create")).toBe(0)
    }))

  test("whose reading fails half-way fails with SourceUnreadable and cancels the Upload", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const error = yield* Transfer.file(path, { purpose, partSize: 3000 }).pipe(
        Effect.updateService(FileSystem.FileSystem, (fs) => ({
          ...fs,
          stream: (path, options) => Number(options?.offset) > 3000 ? Stream.fail(denied) : fs.stream(path, options)
        })),
        Effect.flip
      )
      expect(error).toMatchObject({ _tag: "SourceUnreadable", name: path, cause: denied })
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  for (const checksum of [true, false]) {
    const options = { purpose, partSize: 3000, concurrency: 1, checksum } as const
    const withChecksum = `checksum ${checksum ? "on" : "off"}`

    test(`of a file that is deleted during the transfer fails with SourceNotFound, ${withChecksum}`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* written(data)
        const error = yield* Transfer.file(path, options).pipe(meanwhile(fs.remove(path)), Effect.flip)
        expect(error).toMatchObject({ _tag: "SourceNotFound", name: path })
        expect(yield* statuses).toEqual(["cancelled"])
      }))

    test(`of a file that is truncated during the transfer fails with SourceChanged, ${withChecksum}`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* written(data)
        const error = yield* Transfer.file(path, options).pipe(meanwhile(fs.truncate(path, 4000)), Effect.flip)
        expect(error).toMatchObject({ _tag: "SourceChanged", name: path, difference: "size" })
        expect(yield* statuses).toEqual(["cancelled"])
      }))

    test(`of a file that grows during the transfer fails with SourceChanged, ${withChecksum}`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* written(data)
        const grow = fs.writeFile(path, new Uint8Array(1), { flag: "a" })
        const error = yield* Transfer.file(path, options).pipe(meanwhile(grow), Effect.flip)
        expect(error).toMatchObject({ _tag: "SourceChanged", name: path, difference: "size" })
        expect(yield* statuses).toEqual(["cancelled"])
      }))

    test(`of a file that is modified during the transfer fails with SourceChanged, ${withChecksum}`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* written(data)
        const error = yield* Transfer.file(path, options).pipe(meanwhile(fs.utimes(path, 1, 1)), Effect.flip)
        expect(error).toMatchObject({ _tag: "SourceChanged", name: path, difference: "modification time" })
        expect(yield* statuses).toEqual(["cancelled"])
      }))
  }
})

describe("bytes", () => {
  test("are sent completely", () =>
    Effect.gen(function*() {
      const requests = yield* requestsOf(Transfer.bytes(data, { ...named, filename: "lines.jsonl", purpose: "batch" }))
      expect(requests).toMatchObject([
        { filename: "lines.jsonl", purpose: "batch", bytes: 10_000, mimeType: "text/jsonl" },
        { md5: md5Of(data) }
      ])
      yield* expectFiles(data)
    }))

  test("that are a view of a larger buffer are sent without the rest of the buffer", () =>
    Effect.gen(function*() {
      yield* Transfer.bytes(data.subarray(17, 9001), named)
      yield* expectFiles(data.slice(17, 9001))
    }))

  test("fail before any request when they are none or above the limit", () =>
    Effect.gen(function*() {
      const empty = yield* Effect.flip(Transfer.bytes(new Uint8Array(), named))
      expect(empty).toMatchObject({ _tag: "SourceEmpty", name: "data.bin" })
      const large = yield* Transfer.bytes(data, named).pipe(
        Effect.provideService(UploadLimits, { ...documented, uploadBytes: ByteSize.make(9999) }),
        Effect.flip
      )
      expect(large).toMatchObject({ _tag: "SourceTooLarge", name: "data.bin", bytes: 10_000, limit: 9999 })
      expect(yield* calls("create")).toBe(0)
    }))
})

describe("a Blob", () => {
  test("is sent completely, with the name and type of its File", () =>
    Effect.gen(function*() {
      const file = new File([data], "photo", { type: "image/webp" })
      const requests = yield* requestsOf(Transfer.blob(file, { purpose: "vision", partSize: 3000 }))
      expect(requests).toMatchObject([{ filename: "photo", mimeType: "image/webp" }, { md5: md5Of(data) }])
      yield* expectFiles(data)
    }))

  test("is sent with the name and type of the options, if they have them", () =>
    Effect.gen(function*() {
      const file = new File([data], "photo", { type: "image/webp" })
      const [create] = yield* requestsOf(Transfer.blob(file, { purpose, filename: "a.png", mimeType: "image/png" }))
      expect(create).toMatchObject({ filename: "a.png", mimeType: "image/png" })
    }))

  test("without a type has that of its name, and without a name is called blob", () =>
    Effect.gen(function*() {
      const [file] = yield* requestsOf(Transfer.blob(new File([data], "a.pdf"), { purpose }))
      expect(file).toMatchObject({ filename: "a.pdf", mimeType: "application/pdf" })
      const [blob] = yield* requestsOf(Transfer.blob(new Blob([data]), { purpose }))
      expect(blob).toMatchObject({ filename: "blob", mimeType: "application/octet-stream" })
    }))

  test("without bytes fails with SourceEmpty before any request", () =>
    Effect.gen(function*() {
      expect(yield* Effect.flip(Transfer.blob(new Blob([]), { purpose }))).toMatchObject({
        _tag: "SourceEmpty",
        name: "blob"
      })
      expect(yield* calls("create")).toBe(0)
    }))

  test("whose reading fails fails with SourceUnreadable and cancels the Upload", () =>
    Effect.gen(function*() {
      const cause = new Error("the medium was removed")
      class Broken extends Blob {
        override slice() {
          return new Broken([data])
        }
        override stream() {
          return new ReadableStream({ pull: (controller) => controller.error(cause) })
        }
      }
      const error = yield* Effect.flip(Transfer.blob(new Broken([data]), { purpose, checksum: false }))
      expect(error).toMatchObject({ _tag: "SourceUnreadable", name: "blob", cause })
      expect(yield* statuses).toEqual(["cancelled"])
    }))
})

describe("a stream", () => {
  const options = { ...named, bytes: data.byteLength }

  const splits = FastCheck.tuple(
    FastCheck.uint8Array({ minLength: 1, maxLength: 200 }),
    FastCheck.array(FastCheck.nat(200), { maxLength: 8 }),
    FastCheck.integer({ min: 1, max: 60 }),
    FastCheck.integer({ min: 1, max: 6 })
  )

  it.effect.prop(
    "is sent completely for any split into chunks and parts",
    [splits],
    ([[bytes, cuts, partSize, concurrency]]) =>
      Effect.gen(function*() {
        const ends = [0, ...cuts.map((cut) => cut % (bytes.byteLength + 1)).sort((a, b) => a - b), bytes.byteLength]
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
        const source = Stream.concat(
          Stream.fromChunk(Chunk.unsafeFromArray(chunks.slice(0, 3))),
          Stream.rechunk(Stream.fromIterable(chunks.slice(3)), 1)
        )
        yield* Transfer.stream(source, { ...named, bytes: bytes.byteLength, partSize, concurrency })
        yield* expectFiles(bytes)
      }).pipe(Effect.provide(both))
  )

  test("may fill the same buffer again for its next chunk", () =>
    Effect.gen(function*() {
      for (const checksum of [true, false]) {
        const buffer = new Uint8Array(700)
        const source = Stream.fromIterable(Array.from({ length: 15 }, (_, i) => i * 700)).pipe(
          Stream.rechunk(1),
          Stream.map((offset) => {
            const chunk = data.subarray(offset, offset + 700)
            buffer.set(chunk)
            return buffer.subarray(0, chunk.byteLength)
          })
        )
        yield* Transfer.stream(source, { ...options, checksum })
      }
      yield* expectFiles(data, data)
    }))

  test("keeps no buffer alive of which its chunks are small views", () =>
    Effect.gen(function*() {
      const shared: Array<ArrayBufferLike> = []
      const source = Stream.fromIterable(Array.from({ length: 100 }, (_, i) => i * 100)).pipe(
        Stream.map((offset) => {
          const large = new Uint8Array(64 * 1024)
          large.set(data.subarray(offset, offset + 100), 5000)
          shared.push(large.buffer)
          return large.subarray(5000, 5100)
        })
      )
      const sent: Array<ArrayBufferLike> = []
      yield* Transfer.stream(source, options).pipe(changed((uploads) => ({
        addPart: (id, part) =>
          Effect.zipRight(
            Stream.runForEach(PartData.toStream(part), ({ buffer }) => Effect.sync(() => sent.push(buffer))),
            uploads.addPart(id, part)
          )
      })))
      expect(sent.map(({ byteLength }) => byteLength)).toEqual([3000, 3000, 3000, 1000])
      expect(sent.filter((buffer) => shared.includes(buffer))).toEqual([])
      yield* expectFiles(data)
    }))

  test("is completed with its md5", () =>
    Effect.gen(function*() {
      expect(yield* requestsOf(Transfer.stream(Stream.make(data), options))).toMatchObject([{}, { md5: md5Of(data) }])
    }))

  test("may end with empty chunks", () =>
    Effect.gen(function*() {
      yield* Transfer.stream(Stream.make(data, new Uint8Array(), new Uint8Array()), options)
      yield* expectFiles(data)
    }))

  for (const checksum of [true, false]) {
    test(`with fewer bytes than declared fails with SourceLengthMismatch, checksum ${checksum ? "on" : "off"}`, () =>
      Effect.gen(function*() {
        for (const length of [0, 1, 3000, 9999]) {
          const short = Stream.make(data.subarray(0, length))
          const error = yield* Effect.flip(Transfer.stream(short, { ...options, checksum }))
          expect(error).toMatchObject({
            _tag: "SourceLengthMismatch",
            name: "data.bin",
            declared: 10_000,
            actual: length
          })
        }
        expect(yield* statuses).toEqual(["cancelled", "cancelled", "cancelled", "cancelled"])
        expect(yield* calls("complete")).toBe(0)
      }))

    test(`with more bytes than declared fails with SourceLengthMismatch, checksum ${checksum ? "on" : "off"}`, () =>
      Effect.gen(function*() {
        for (const more of [Stream.make(new Uint8Array(5)), Stream.forever(Stream.make(new Uint8Array(5)))]) {
          const long = Stream.concat(Stream.make(data), more)
          const error = yield* Effect.flip(Transfer.stream(long, { ...options, checksum }))
          expect(error).toMatchObject({ _tag: "SourceLengthMismatch", declared: 10_000, actual: 10_005 })
        }
        expect(yield* statuses).toEqual(["cancelled", "cancelled"])
        expect(yield* calls("complete")).toBe(0)
      }))
  }

  test("that fails makes the transfer fail with SourceUnreadable and cancels the Upload", () =>
    Effect.gen(function*() {
      const source = Stream.concat(Stream.make(data.subarray(0, 5000)), Stream.fail("torn"))
      const error = yield* Effect.flip(Transfer.stream(source, options))
      expect(error).toMatchObject({ _tag: "SourceUnreadable", name: "data.bin", cause: "torn" })
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("with an invalid length fails before any request", () =>
    Effect.gen(function*() {
      for (const bytes of [-1, 1.5, Number.NaN, 2 ** 53]) {
        const error = yield* Effect.flip(Transfer.stream(Stream.make(data), { ...options, bytes }))
        expect(error).toMatchObject({ _tag: "InvalidRequest", field: "bytes" })
      }
      const none = yield* Effect.flip(Transfer.stream(Stream.empty, { ...options, bytes: 0 }))
      expect(none._tag).toBe("SourceEmpty")
      const large = yield* Effect.flip(Transfer.stream(Stream.empty, { ...options, bytes: 2 ** 43 }))
      expect(large._tag).toBe("SourceTooLarge")
      expect(yield* calls("create")).toBe(0)
    }))

  test("is closed when the transfer ends", () =>
    Effect.gen(function*() {
      const closed: Array<string> = []
      const source = (chunks: Stream.Stream<Uint8Array>) =>
        Stream.ensuring(chunks, Effect.sync(() => closed.push("closed")))
      yield* Transfer.stream(source(Stream.make(data)), options)
      yield* Effect.flip(Transfer.stream(source(Stream.forever(Stream.make(data))), options))
      expect(closed).toEqual(["closed", "closed"])
    }))

  for (const concurrency of [1, 3]) {
    test(`has at most ${concurrency} part(s) in memory at concurrency ${concurrency}`, () =>
      Effect.gen(function*() {
        let pulled = 0
        const source = Stream.fromIterable(Array.from({ length: 100 }, (_, i) => data.subarray(i * 100, i * 100 + 100)))
          .pipe(
            Stream.rechunk(1),
            Stream.tap((bytes) =>
              Effect.sync(() => {
                pulled += bytes.byteLength
              })
            )
          )
        const started = yield* Queue.unbounded<Deferred.Deferred<void>>()
        const fiber = yield* Transfer.stream(source, { ...options, partSize: 500, concurrency }).pipe(
          changed((uploads) => ({
            addPart: (id, data) =>
              Effect.gen(function*() {
                const go = yield* Deferred.make<void>()
                yield* Queue.offer(started, go)
                yield* Deferred.await(go)
                return yield* uploads.addPart(id, data)
              })
          })),
          Effect.fork
        )
        for (let acknowledged = 0; acknowledged < 20; acknowledged++) {
          yield* TestClock.adjust("1 millis")
          expect(pulled).toBe(Math.min(10_000, (acknowledged + concurrency) * 500))
          yield* Deferred.succeed(yield* Queue.take(started), undefined)
        }
        yield* Fiber.join(fiber)
        yield* expectFiles(data)
      }))
  }
})

describe("every source", () => {
  const forms = {
    file: (options: Partial<Transfer.NamedOptions>) =>
      Effect.flatMap(written(data), (path) => Transfer.file(path, { ...named, ...options })),
    bytes: (options: Partial<Transfer.NamedOptions>) => Transfer.bytes(data, { ...named, ...options }),
    blob: (options: Partial<Transfer.NamedOptions>) => Transfer.blob(new Blob([data]), { ...named, ...options }),
    stream: (options: Partial<Transfer.NamedOptions>) =>
      Transfer.stream(Stream.make(data), { ...named, bytes: data.byteLength, ...options })
  }

  for (const [name, send] of Object.entries(forms)) {
    test(`is sent without md5 when checksum is false: ${name}`, () =>
      Effect.gen(function*() {
        const [, complete] = yield* requestsOf(send({ checksum: false }))
        expect(complete).not.toHaveProperty("md5")
        yield* expectFiles(data)
      }))

    test(`fails before any request when the options are invalid: ${name}`, () =>
      Effect.gen(function*() {
        const invalid: ReadonlyArray<Partial<Transfer.NamedOptions>> = [
          { concurrency: 0 },
          { partSize: 2 ** 27 },
          { stallTimeout: 0 },
          { responseTimeout: Number.NaN },
          { cancelTimeout: -1 }
        ]
        for (const options of invalid) {
          const error = yield* Effect.flip(send(options))
          expect(error).toMatchObject({ _tag: "InvalidRequest", field: Object.keys(options)[0] })
        }
        expect(yield* calls("create")).toBe(0)
      }))

    test(`has larger parts, or fails before any request, when an Upload has room for few parts: ${name}`, () =>
      Effect.gen(function*() {
        const limited = (parts: number, partBytes: number, options: Partial<Transfer.NamedOptions>) =>
          Effect.provideService(send(options), UploadLimits, {
            ...documented,
            parts,
            partBytes: ByteSize.make(partBytes)
          })
        const error = yield* Effect.flip(limited(9, 1e6, { partSize: 1000 }))
        expect(error).toMatchObject({
          _tag: "InvalidRequest",
          field: "partSize",
          limit: expect.stringMatching(/^at least 1112,/)
        })
        const tooLarge = yield* Effect.flip(limited(9, 1111, {}))
        expect(tooLarge).toMatchObject({ _tag: "SourceTooLarge", bytes: 10_000, limit: 9999 })
        expect(yield* calls("create")).toBe(0)
        yield* limited(10, 1000, { partSize: undefined })
        expect(yield* calls("addPart")).toBe(10)
        yield* expectFiles(data)
      }))
  }
})
