import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { documented, UploadLimits } from "@effect-uploads/domain/UploadLimits"
import * as NodeFileAccess from "@effect-uploads/transfer/NodeFileAccess"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { execFileSync, spawn } from "node:child_process"
import { closeSync, createWriteStream, openSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { both, bytesOf, calls, changed, expectFiles, md5Of, statuses, test, written } from "./fixtures.js"

const data = bytesOf(1_500_000)
const options = { purpose: "user_data", filename: "data.bin", partSize: 700_000 } as const
const env = Layer.mergeAll(both, NodeFileSystem.layer, NodeFileAccess.layer)

const chunks = Stream.fromIterable(
  Array.from({ length: 15 }, (_, i) => data.subarray(i * 100_000, i * 100_000 + 100_000))
)
  .pipe(Stream.rechunk(1))

/** The temporary files that an effect leaves. */
const withTemporaryFiles = <A, E, R>(effect: (paths: Array<string>) => Effect.Effect<A, E, R>) => {
  const paths: Array<string> = []
  return effect(paths).pipe(
    Effect.updateService(FileSystem.FileSystem, (fs) => ({
      ...fs,
      makeTempFileScoped: (options) =>
        Effect.tap(fs.makeTempFileScoped(options), (path) => Effect.sync(() => paths.push(path)))
    }))
  )
}

const limitedTo = (bytes: number) =>
  Effect.provideService(UploadLimits, { ...documented, uploadBytes: ByteSize.make(bytes) })

describe("a stream of unknown length", () => {
  test("is sent from memory without a FileSystem", () =>
    Effect.gen(function*() {
      yield* Transfer.stream(chunks, options)
      expect(yield* calls("addPart")).toBe(3)
      yield* expectFiles(data)
    }))

  test("is sent from memory although it fills the same buffer again", () =>
    Effect.gen(function*() {
      const buffer = new Uint8Array(100_000)
      const reused = Stream.map(chunks, (chunk) => {
        buffer.set(chunk)
        return buffer
      })
      yield* Transfer.stream(reused, options)
      yield* expectFiles(data)
    }))

  it.effect("is sent from a temporary file that is deleted at the end", () =>
    withTemporaryFiles((paths) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* Transfer.stream(chunks, options)
        yield* expectFiles(data)
        expect(paths).toHaveLength(1)
        for (const path of paths) expect(yield* fs.exists(path)).toBe(false)
      })
    ).pipe(Effect.provide(env)))

  it.effect("leaves no temporary file when it fails, and no request is made", () =>
    withTemporaryFiles((paths) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const error = yield* Effect.flip(Transfer.stream(Stream.concat(chunks, Stream.fail("torn")), options))
        expect(error).toMatchObject({ _tag: "SourceUnreadable", name: "data.bin", cause: "torn" })
        for (const path of paths) expect(yield* fs.exists(path)).toBe(false)
        expect(yield* calls("create")).toBe(0)
      })
    ).pipe(Effect.provide(env)))

  const endless = Stream.forever(Stream.make(new Uint8Array(1000)))

  for (const [place, layer] of [["in memory", both], ["on disk", env]] as const) {
    it.effect(`that exceeds the limit fails with SourceTooLarge before any request, ${place}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Transfer.stream(endless, options).pipe(limitedTo(12_345)))
        expect(error).toMatchObject({ _tag: "SourceTooLarge", name: "data.bin", limit: 12_345 })
        expect(error.message).toBe("data.bin has more than 12345 bytes")
        expect(yield* calls("create")).toBe(0)
      }).pipe(Effect.provide(layer)))

    it.effect(`that is empty fails with SourceEmpty, ${place}`, () =>
      Effect.gen(function*() {
        expect(yield* Effect.flip(Transfer.stream(Stream.empty, options))).toMatchObject({
          _tag: "SourceEmpty",
          name: "data.bin"
        })
      }).pipe(Effect.provide(layer)))
  }
})

describe("a path", () => {
  it.scoped("of a FIFO is read to its end and sent", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/pipe`
      execFileSync("mkfifo", [path])
      createWriteStream(path).end(data)
      const { filename } = yield* Transfer.file(path, { ...options, filename: undefined })
      expect(filename).toBe("pipe")
      yield* expectFiles(data)
    }).pipe(Effect.provide(env)))

  it.scoped("of a FIFO fails with SourceNotAFile without NodeFileAccess", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/pipe`
      execFileSync("mkfifo", [path])
      expect(yield* Effect.flip(Transfer.file(path, options))).toMatchObject({ _tag: "SourceNotAFile", type: "FIFO" })
    }).pipe(Effect.provide(Layer.merge(both, NodeFileSystem.layer))))

  it.effect("of a device is read up to the limit", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Transfer.file("/dev/zero", options).pipe(limitedTo(1_000_000)))
      expect(error).toMatchObject({ _tag: "SourceTooLarge", name: "/dev/zero" })
    }).pipe(Effect.provide(env)))

  it.effect("of a file of /proc is sent although its size is zero", () =>
    Effect.gen(function*() {
      yield* Transfer.file("/proc/version", options)
      yield* expectFiles(readFileSync("/proc/version"))
    }).pipe(Effect.provide(Layer.merge(both, NodeFileSystem.layer))))

  const child = fileURLToPath(new URL("./support/stdinChild.ts", import.meta.url))

  const sendStdin = (stdin: "pipe" | number) =>
    Effect.async<string>((resume) => {
      const running = spawn(process.execPath, ["--import", "tsx", child], { stdio: [stdin, "pipe", "inherit"] })
      let output = ""
      running.stdout?.on("data", (text) => output += String(text))
      running.on("close", () => resume(Effect.succeed(output.trim())))
      running.stdin?.end(data)
    })

  it.live("of /dev/stdin is what another process sends", () =>
    Effect.gen(function*() {
      expect(yield* sendStdin("pipe")).toBe(`stdin ${md5Of(data)}`)
    }), 60_000)

  it.scopedLive("of /dev/stdin is the file that the shell redirects", () =>
    Effect.gen(function*() {
      const fd = openSync(yield* written(data), "r")
      expect(yield* sendStdin(fd)).toBe(`stdin ${md5Of(data)}`)
      closeSync(fd)
    }).pipe(Effect.provide(NodeFileSystem.layer)), 60_000)
})

describe("a Response", () => {
  const responseOf = (body: Uint8Array<ArrayBuffer> | null, headers: Record<string, string>, status = 200) => {
    const response = new Response(body, { headers, status })
    Object.defineProperty(response, "url", { value: "https://example.com/a/r%C3%A9sum%C3%A9.pdf?key=secret" })
    return response
  }

  for (const headers of [{ "content-length": "1500000" }, {}, { "content-length": "9", "content-encoding": "gzip" }]) {
    test(`is sent with the name of its URL and its type: ${JSON.stringify(headers)}`, () =>
      Effect.gen(function*() {
        const requests: Array<object> = []
        yield* Transfer.response(
          responseOf(data, { ...headers, "content-type": "application/pdf; charset=x" }),
          { purpose: "user_data" }
        ).pipe(changed((uploads) => ({
          create: (request) => {
            requests.push(request)
            return uploads.create(request)
          }
        })))
        expect(requests).toMatchObject([{ filename: "résumé.pdf", mimeType: "application/pdf", bytes: 1_500_000 }])
        yield* expectFiles(data)
      }))
  }

  test("whose body ends early fails with SourceLengthMismatch", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Transfer.response(responseOf(data, { "content-length": "1500001" }), options))
      expect(error._tag).toBe("SourceLengthMismatch")
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("that is an error or has no body fails before any request", () =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(Transfer.response(responseOf(data, {}, 404), { purpose: "user_data" }))
      expect(failed).toMatchObject({ _tag: "SourceUnreadable", name: "résumé.pdf" })
      expect(failed.message).toBe("résumé.pdf could not be read: the response has the status 404")
      expect((yield* Effect.flip(Transfer.response(responseOf(null, {}), options)))._tag).toBe("SourceEmpty")
      const read = responseOf(data, {})
      yield* Effect.promise(() => read.arrayBuffer())
      const locked = responseOf(data, {})
      locked.body?.getReader()
      for (const response of [read, locked]) {
        expect(yield* Effect.flip(Transfer.response(response, options))).toMatchObject({
          _tag: "SourceUnreadable",
          cause: "the body of the response was read already"
        })
      }
      expect(yield* calls("create")).toBe(0)
    }))
})

describe("a URL", () => {
  const url = "https://example.com/a/data.csv?key=secret"

  const clientOf = (respond: () => Response) => {
    const requested: Array<string> = []
    const client = HttpClient.make((request, { href }) =>
      Effect.sync(() => {
        requested.push(href)
        return HttpClientResponse.fromWeb(request, respond())
      })
    )
    return { requested, provide: Effect.provideService(HttpClient.HttpClient, client) }
  }

  test("is downloaded and sent with its name and type", () =>
    Effect.gen(function*() {
      const { provide, requested } = clientOf(() => new Response(data, { headers: { "content-type": "text/csv" } }))
      const completed = yield* provide(Transfer.url(url, { purpose: "user_data" }))
      expect(completed.file.filename).toBe("data.csv")
      expect(requested).toEqual([url])
      yield* expectFiles(data)
    }))

  test("whose download fails is not in the error, because a query may hold a secret", () =>
    Effect.gen(function*() {
      const client = HttpClient.make((request) =>
        Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport" }))
      )
      const error = yield* Transfer.url(url, { purpose: "user_data" }).pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.flip
      )
      expect(error).toMatchObject({ _tag: "SourceUnreadable", name: "data.csv" })
      expect(JSON.stringify(error)).not.toContain("secret")
    }))
})

describe("a file that changes during the transfer", () => {
  for (const checksum of [true, false]) {
    it.scoped(`fails with SourceChanged although size and modification time are restored, checksum ${checksum}`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* written(data)
        yield* fs.utimes(path, 1000, 1000)
        let first = true
        const error = yield* Transfer.file(path, { ...options, concurrency: 1, checksum }).pipe(
          changed((uploads) => ({
            addPart: (id, part) =>
              Effect.gen(function*() {
                const sent = yield* uploads.addPart(id, part)
                if (first) {
                  first = false
                  yield* Effect.orDie(fs.writeFile(path, bytesOf(1_500_000, 2)))
                  yield* Effect.orDie(fs.utimes(path, 1000, 1000))
                }
                return sent
              })
          })),
          Effect.flip
        )
        expect(error).toMatchObject({ _tag: "SourceChanged", name: path, difference: "change time" })
        expect(yield* statuses).toEqual(["cancelled"])
      }).pipe(Effect.provide(env)))
  }
})

describe("a known md5", () => {
  test("is sent with the completion and not computed", () =>
    Effect.gen(function*() {
      yield* Transfer.bytes(data, { ...options, md5: md5Of(data).toUpperCase(), checksum: false })
      yield* expectFiles(data)
      const error = yield* Effect.flip(Transfer.bytes(data, { ...options, md5: md5Of(new Uint8Array()) }))
      expect(error._tag).toBe("ChecksumMismatch")
    }))

  test("that is no md5 fails before any request", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Transfer.bytes(data, { ...options, md5: "not an md5" }))
      expect(error).toMatchObject({ _tag: "InvalidRequest", field: "md5" })
      expect(yield* calls("create")).toBe(0)
    }))
})
