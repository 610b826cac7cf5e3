import { FileNotFound } from "@effect-uploads/domain/FileError"
import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId } from "@effect-uploads/domain/Ids"
import * as FileRange from "@effect-uploads/http/FileRange"
import * as FilesService from "@effect-uploads/http/FilesService"
import { ServiceUnavailable } from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createServer, request as nodeRequest } from "node:http"
import type { IncomingHttpHeaders } from "node:http"
import { contentDisposition } from "../src/internal/routes/contentDisposition.js"
import { pattern } from "./support/contract.js"
import { clients, served, url } from "./support/server.js"

const fileOf = (id: FileId, bytes: number, filename: string) =>
  Schema.decodeSync(FileObject)({
    id,
    object: "file",
    bytes,
    created_at: 1_700_000_000,
    filename,
    purpose: "fine-tune",
    status: "processed"
  })

interface Stored {
  readonly bytes: number
  readonly filename?: string
  readonly content: Stream.Stream<Uint8Array, FilesService.ContentError>
}

/** A service with a File of the same bytes under any id. It records the ranges that are read. */
const stored = ({ bytes, content, filename = "a.jsonl" }: Stored, read: Array<FileRange.FileRange | undefined> = []) =>
  Layer.succeed(FilesService.FilesService, {
    retrieve: (fileId) =>
      fileId === "file-gone"
        ? Effect.fail(new FileNotFound({ fileId }))
        : Effect.succeed(fileOf(fileId, bytes, filename)),
    content: (_, range) =>
      Stream.unwrap(Effect.map(FileRange.validate(range), (bounds) => {
        read.push(range)
        return FileRange.slice(content, bounds)
      })),
    list: () => Stream.empty,
    delete: () => Effect.void
  })

const whole = (bytes: Uint8Array): Stored => ({ bytes: bytes.length, content: Stream.make(bytes) })

/** The routes without a socket. */
const withHandler = async <A>(
  files: Layer.Layer<FilesService.FilesService>,
  use: (handler: (request: Request) => Promise<Response>) => Promise<A>
): Promise<A> => {
  const { dispose, handler } = HttpApiBuilder.toWebHandler(
    Layer.merge(
      UploadsRoutes.layer.pipe(Layer.provide([files, UploadsMemory.layerMemory])),
      HttpServer.layerContext
    )
  )
  try {
    return await use(handler)
  } finally {
    await dispose()
  }
}

const data = pattern(10)
const etag = `"file-1"`

const requestOf = (headers: Record<string, string> = {}, id = "file-1", method = "GET") =>
  new Request(`http://127.0.0.1/files/${encodeURIComponent(id)}/content`, { method, headers })

/** The response to a download. */
const download = (headers: Record<string, string> = {}, bytes = data, id = "file-1", method = "GET") =>
  withHandler(stored(whole(bytes)), async (handler) => {
    const response = await handler(requestOf(headers, id, method))
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer())
    }
  })

const jsonOf = (body: Buffer): unknown => JSON.parse(body.toString())

describe("GET /files/{file_id}/content", () => {
  it("sends its length, its ETag, and headers that keep a browser from showing it", async () => {
    expect(await download()).toEqual({
      status: 200,
      headers: {
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": "attachment; filename=\"a.jsonl\"",
        "content-length": "10",
        "content-type": "application/octet-stream",
        etag,
        "x-content-type-options": "nosniff"
      },
      body: Buffer.from(data)
    })
  })

  it("sends an empty File with Content-Length: 0", async () => {
    const { body, headers, status } = await download({}, new Uint8Array(0))
    expect([status, headers["content-length"], body.length]).toEqual([200, "0", 0])
  })

  it("suggests the file's name, as ASCII and as UTF-8", async () => {
    const names: Record<string, string> = {
      "data.jsonl": "attachment; filename=\"data.jsonl\"",
      "a b;c=d'e.bin": "attachment; filename=\"a b;c=d'e.bin\"",
      "Отчёт 📄.pdf":
        "attachment; filename=\"_____ _.pdf\"; filename*=UTF-8''%D0%9E%D1%82%D1%87%D1%91%D1%82%20%F0%9F%93%84.pdf",
      "a \"b\" 100%.txt": "attachment; filename=\"a _b_ 100_.txt\"; filename*=UTF-8''a%20%22b%22%20100%25.txt",
      "it's (1)*é": "attachment; filename=\"it's (1)*_\"; filename*=UTF-8''it%27s%20%281%29%2A%C3%A9",
      "../../etc/passwd": "attachment; filename=\".._.._etc_passwd\"",
      "C:\\a.txt": "attachment; filename=\"C:_a.txt\"",
      "a\r\nSet-Cookie: x=1\0": "attachment; filename=\"a__Set-Cookie: x=1_\"",
      "a\u202Egpj.exe": "attachment; filename=\"a_gpj.exe\"",
      "half \uD83D": "attachment; filename=\"half _\""
    }
    for (const [filename, expected] of Object.entries(names)) {
      await withHandler(stored({ ...whole(data), filename }), async (handler) => {
        for (const [method, headers] of [["GET", {}], ["HEAD", {}], ["GET", { range: "bytes=1-2" }]] as const) {
          const response = await handler(requestOf(headers, "file-1", method))
          expect(response.headers.get("content-disposition")).toBe(expected)
        }
      })
    }
  })

  it("has a Content-Disposition that no file name can leave", () => {
    const hard = FastCheck.constantFrom(
      "\"",
      "\\",
      "\r\n",
      ";",
      "%",
      "'",
      "filename*=",
      "/",
      "📄",
      "\uD83D",
      "\u0000",
      "\u202E"
    )
    const name = FastCheck.array(FastCheck.oneof(hard, FastCheck.string({ unit: "binary" })), { maxLength: 20 }).map(
      (parts) => parts.join("")
    )
    const grammar =
      /^attachment; filename="([\x20\x21\x23-\x5b\x5d-\x7e]*)"(?:; filename\*=UTF-8''((?:[\w!#$&+.^`|~-]|%[0-9A-F]{2})*))?$/
    FastCheck.assert(
      FastCheck.property(FastCheck.oneof(name, FastCheck.string({ unit: "grapheme", maxLength: 1000 })), (name) => {
        const [, ascii, extended] = grammar.exec(contentDisposition(name)) ?? expect.fail(contentDisposition(name))
        // Both tell the same name, as far as ASCII can.
        const full = extended === undefined ? ascii ?? "" : decodeURIComponent(extended)
        expect(ascii).toBe(full.replace(/[^\x20-\x7e]|["%]/gu, "_"))
        expect(full).toBe(Array.from(name.replace(/[/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "_")).slice(0, 255).join(""))
      }),
      { numRuns: 1000 }
    )
  })

  it("sends a valid and unique ETag for any id", async () => {
    const ids = FastCheck.uniqueArray(FastCheck.string({ unit: "grapheme", minLength: 1 }), { minLength: 5 })
    await withHandler(stored(whole(data)), (handler) =>
      FastCheck.assert(
        FastCheck.asyncProperty(ids, async (ids) => {
          // The platform's router lower-cases paths, and does not find one whose lower case is longer.
          const opaque = ids.filter((id) => id !== "." && id !== ".." && !id.includes("İ"))
          const tags = await Promise.all(
            opaque.map(async (id) => (await handler(requestOf({}, id))).headers.get("etag") ?? "none")
          )
          for (const tag of tags) expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/)
          expect(new Set(tags).size).toBe(opaque.length)
        }),
        { numRuns: 30 }
      ))
  })

  it("responds to HEAD without reading the File", async () => {
    const read: Array<FileRange.FileRange | undefined> = []
    await withHandler(stored(whole(data), read), async (handler) => {
      for (const headers of [{}, { range: "bytes=2-3" }]) {
        const response = await handler(requestOf(headers, "file-1", "HEAD"))
        expect([response.status, response.headers.get("content-length"), response.headers.get("etag")]).toEqual([
          200,
          "10",
          etag
        ])
        expect(response.body).toBeNull()
      }
      const gone = await handler(requestOf({}, "file-gone", "HEAD"))
      expect(gone.status).toBe(404)
    })
    expect(read).toEqual([])
  })
})

describe("Range", () => {
  /** The indices of the bytes in a range, each compared by itself. */
  const bytesOf = (spec: string, bytes: Uint8Array) => {
    const [first = "", last = ""] = spec.split("-")
    return Array.from(bytes.keys()).filter((index) =>
      first === ""
        ? index >= bytes.length - Number(last)
        : index >= Number(first) && (last === "" || index <= Number(last))
    )
  }

  const spec = FastCheck.tuple(FastCheck.option(FastCheck.nat(14)), FastCheck.option(FastCheck.nat(14)))
    .filter(([first, last]) => (first ?? last) !== null && (first === null || last === null || first <= last))
    .map(([first, last]) => `${first ?? ""}-${last ?? ""}`)

  it("selects the bytes of any single range, and responds with 416 where there are none", async () => {
    await FastCheck.assert(
      FastCheck.asyncProperty(spec, FastCheck.nat(10), async (spec, size) => {
        const file = data.slice(0, size)
        const found = bytesOf(spec, file)
        const { body, headers, status } = await download({ range: `bytes=${spec}` }, file)
        if (size === 0 && spec.startsWith("-") && spec !== "-0") {
          // A suffix of an empty File is the whole File.
          expect([status, headers["content-length"]]).toEqual([200, "0"])
        } else if (found.length === 0) {
          expect([status, headers["content-range"]]).toEqual([416, `bytes */${size}`])
          expect(jsonOf(body)).toMatchObject({
            error: { type: "invalid_request_error", code: "range_not_satisfiable" }
          })
        } else {
          expect(status).toBe(206)
          expect([...body]).toEqual(found.map((index) => file[index]))
          expect(headers).toMatchObject({
            "accept-ranges": "bytes",
            "content-length": `${found.length}`,
            "content-range": `bytes ${found[0]}-${found.at(-1)}/${size}`,
            etag
          })
        }
      }),
      { numRuns: 300 }
    )
  })

  it("reads no more of the File than the range", async () => {
    const read: Array<FileRange.FileRange | undefined> = []
    await withHandler(stored(whole(data), read), async (handler) => {
      for (const range of ["bytes=2-3", "bytes=8-", "bytes=-3", "bytes=5-99"]) {
        await (await handler(requestOf({ range }))).arrayBuffer()
      }
    })
    expect(read).toEqual([
      { offset: 2, bytes: 2 },
      { offset: 8, bytes: 2 },
      { offset: 7, bytes: 3 },
      { offset: 5, bytes: 5 }
    ])
  })

  const ignored = [
    "bytes=",
    "bytes=-",
    "bytes=3-2",
    "bytes=1-2,4-5",
    "bytes=1-2,x",
    "bytes=4-5,,1-2",
    "bytes=,",
    "bytes=-0-",
    `bytes=${"1-2,".repeat(101)}`,
    "bytes=a-b",
    "bytes=0x1-2",
    "bytes=1.5-2",
    "bytes=+1-2",
    "bytes 1-2",
    "lines=1-2",
    "1-2",
    "bytes=--1",
    "bytes=1-2-3"
  ]

  it.each(ignored)("is ignored when it is malformed or selects several ranges: %s", async (range) => {
    const { body, headers, status } = await download({ range })
    expect([status, headers["content-range"], body.length]).toEqual([200, undefined, 10])
  })

  it("may be a list that selects one range, or none", async () => {
    const lists: Record<string, string> = {
      "bytes=1-2,": "1-2",
      "bytes= , 1-2 ,": "1-2",
      "BYTES = 1-2": "1-2",
      "bytes=1-2,3-4": "1-4",
      "bytes=3-4, 1-5": "1-5",
      "bytes=0-1,-8,5-6": "0-9",
      "bytes=1-2,20-30": "1-2",
      "bytes=20-,8-": "8-9"
    }
    for (const [range, expected] of Object.entries(lists)) {
      const { headers, status } = await download({ range })
      expect([range, status, headers["content-range"]]).toEqual([range, 206, `bytes ${expected}/10`])
    }
    for (const range of ["bytes=10-11,20-30", "bytes=-0,10-", "bytes=-0"]) {
      const { headers, status } = await download({ range })
      expect([range, status, headers["content-range"]]).toEqual([range, 416, "bytes */10"])
    }
  })

  it("accepts numbers beyond the safe integers", async () => {
    const huge = "9".repeat(400)
    expect((await download({ range: `bytes=4-${huge}` })).headers["content-range"]).toBe("bytes 4-9/10")
    expect((await download({ range: `bytes=-${huge}` })).headers["content-range"]).toBe("bytes 0-9/10")
    expect((await download({ range: `bytes=${huge}-` })).status).toBe(416)
  })
})

describe("conditional headers", () => {
  const cases: ReadonlyArray<readonly [status: number, headers: Record<string, string>]> = [
    [200, { "if-match": etag }],
    [200, { "if-match": "*" }],
    [200, { "if-match": `"a,b", ${etag}` }],
    [412, { "if-match": `W/${etag}` }],
    [412, { "if-match": `"file-2"` }],
    [412, { "if-match": "file-1" }],
    [412, { "if-match": "" }],
    [412, { "if-match": `"file-2"`, "if-none-match": etag }],
    [304, { "if-none-match": etag }],
    [304, { "if-none-match": `W/${etag}` }],
    [304, { "if-none-match": "*" }],
    [304, { "if-none-match": `"x" ,W/"y",${etag}` }],
    [304, { "if-none-match": etag, range: "bytes=0-1" }],
    [200, { "if-none-match": `"file-2"` }],
    [206, { "if-none-match": `"file-2"`, range: "bytes=0-1" }],
    [206, { "if-range": etag, range: "bytes=0-1" }],
    [416, { "if-range": etag, range: "bytes=10-" }],
    [200, { "if-range": `"file-2"`, range: "bytes=0-1" }],
    [200, { "if-range": `W/${etag}`, range: "bytes=0-1" }],
    [200, { "if-range": "Tue, 14 Nov 2023 22:13:20 GMT", range: "bytes=0-1" }],
    [200, { "if-range": etag }],
    // A File has no date of last modification.
    [200, { "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT" }],
    [200, { "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT" }]
  ]

  it.each(cases)("give status %i for %o", async (status, sent) => {
    const { body, headers, ...reply } = await download(sent)
    expect(reply.status).toBe(status)
    expect(headers).toMatchObject({ "accept-ranges": "bytes", etag })
    if (status === 304) expect(body).toHaveLength(0)
    if (status >= 400) {
      expect(jsonOf(body)).toMatchObject({ error: { type: "invalid_request_error", message: expect.any(String) } })
    }
  })

  it("are evaluated for HEAD too", async () => {
    expect((await download({ "if-none-match": etag }, data, "file-1", "HEAD")).status).toBe(304)
    expect((await download({ "if-match": `"x"` }, data, "file-1", "HEAD")).status).toBe(412)
  })
})

describe("the content of a File", () => {
  it("that fails before its first byte gets an error response", async () => {
    const unavailable = Stream.fail(new ServiceUnavailable({}))
    const ended = { status: 502, code: "upstream_malformed" }
    const failures: ReadonlyArray<readonly [Stored, { readonly status: number; readonly code: string }]> = [
      [{ bytes: 10, content: unavailable }, { status: 503, code: "service_unavailable" }],
      [{ bytes: 0, content: unavailable }, { status: 503, code: "service_unavailable" }],
      [
        { bytes: 10, content: Stream.concat(Stream.make(new Uint8Array(0)), unavailable) },
        { status: 503, code: "service_unavailable" }
      ],
      [{ bytes: 10, content: Stream.empty }, ended],
      [{ bytes: 0, content: Stream.make(data) }, ended]
    ]
    for (const [file, { code, status }] of failures) {
      await withHandler(stored(file), async (handler) => {
        const response = await handler(requestOf())
        expect([response.status, await response.json()]).toEqual([
          status,
          { error: expect.objectContaining({ code, message: expect.any(String) }) }
        ])
      })
    }
  })

  it("that does not exist gets 404", async () => {
    const { body, status } = await download({ "if-match": "*", range: "bytes=0-" }, data, "file-gone")
    expect([status, jsonOf(body)]).toMatchObject([404, { error: { code: "file_not_found" } }])
  })

  it.effect("is sent as the chunks of the service, without copies", () =>
    Effect.promise(async () => {
      const chunks = Arr.makeBy(8, (index) => new Uint8Array(256 * 1024).fill(index))
      const content = Stream.fromIterable(chunks)
      await withHandler(stored({ bytes: 8 * 256 * 1024, content }), async (handler) => {
        const { body } = await handler(requestOf())
        const seen: Array<Uint8Array> = []
        if (body !== null) { for await (const chunk of body) seen.push(chunk) }
        expect(seen.map((chunk, index) => chunk === chunks[index])).toEqual(chunks.map(() => true))
      })
    }))

  /** Closes a connection soon on which a response is not continued. */
  const impatient = HttpApiBuilder.serve().pipe(
    Layer.provide(UploadsRoutes.layer),
    Layer.provideMerge(
      NodeHttpServer.layer(() => createServer({ keepAliveTimeout: 100 }), { port: 0, host: "127.0.0.1" })
    )
  )

  // A chunked response would end as if it were whole.
  it.live("that fails or has another length than declared is an error for the client", () =>
    Effect.gen(function*() {
      const first = Stream.make(data)
      for (
        const content of [
          Stream.concat(first, Stream.fail(new ServiceUnavailable({}))),
          first,
          Stream.concat(first, Stream.make(pattern(20)))
        ]
      ) {
        const read = Effect.gen(function*() {
          const files = yield* FilesService.FilesService
          return yield* Effect.either(Stream.runDrain(files.content(FileId.make("file-1"))))
        })
        const result = yield* Effect.provide(
          read,
          clients().pipe(
            Layer.provide(FetchHttpClient.layer),
            Layer.provide(Layer.fresh(impatient)),
            Layer.provide([stored({ bytes: 20, content }), UploadsMemory.layerMemory])
          )
        )
        expect(Either.isLeft(result)).toBe(true)
      }
    }), 30_000)
})

describe("the routes over a socket", () => {
  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    Effect.flatMap(
      url,
      (base) =>
        Effect.async<
          { readonly status: number | undefined; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
        >(
          (resume) => {
            nodeRequest(base, { method, headers, path }, (response) => {
              const chunks: Array<Uint8Array> = []
              response.on("data", (chunk: Uint8Array) => chunks.push(chunk))
              response.on("end", () => {
                const { headers, statusCode: status } = response
                resume(Effect.succeed({ status, headers, body: Buffer.concat(chunks) }))
              })
            }).end()
          }
        )
    )

  const live = served.pipe(Layer.provide([stored(whole(data)), UploadsMemory.layerMemory]))

  it.effect("send Content-Length for GET, HEAD and ranges, and no chunks", () =>
    Effect.gen(function*() {
      const path = "/files/file-1/content"
      const lengths = yield* Effect.forEach(
        [send("GET", path), send("HEAD", path), send("GET", path, { range: "bytes=-4" })],
        Effect.map(({ body, headers, status }) => [
          status,
          headers["content-length"],
          headers["transfer-encoding"],
          body.length
        ])
      )
      expect(lengths).toEqual([[200, "10", undefined, 10], [200, "10", undefined, 0], [206, "4", undefined, 4]])
    }).pipe(Effect.provide(live)))

  it.effect("respond to another method of a known path with 405, and to OPTIONS with 204", () =>
    Effect.gen(function*() {
      const paths: Record<string, string> = {
        "/uploads": "POST, OPTIONS",
        "/uploads/upload_1/parts": "POST, OPTIONS",
        "/uploads/upload_1/complete": "POST, OPTIONS",
        "/uploads/upload_1/cancel": "POST, OPTIONS",
        "/files": "GET, HEAD, POST, OPTIONS",
        "/files/file-1": "GET, HEAD, DELETE, OPTIONS",
        "/files/file-1/content": "GET, HEAD, OPTIONS"
      }
      for (const [path, allow] of Object.entries(paths)) {
        for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY", "PROPFIND"]) {
          if (allow.split(", ").includes(method)) continue
          const { body, headers, status } = yield* send(method, `${path}?key=secret`)
          expect([method, path, status, headers.allow]).toEqual([method, path, 405, allow])
          if (method === "HEAD") continue
          expect(jsonOf(body)).toEqual({
            error: {
              message: `Method ${method} is not allowed for ${path}; it must be one of ${allow}`,
              type: "invalid_request_error",
              param: null,
              code: "method_not_allowed"
            }
          })
        }
        const { body, headers, status } = yield* send("OPTIONS", path)
        expect([path, status, headers.allow, body.length]).toEqual([path, 204, allow, 0])
      }
    }).pipe(Effect.provide(live)))

  it.effect("respond to OPTIONS * with all methods, and to other methods with 400", () =>
    Effect.gen(function*() {
      const { headers, status } = yield* send("OPTIONS", "*")
      expect([status, headers.allow]).toEqual([204, "GET, HEAD, POST, DELETE, OPTIONS"])
      for (const method of ["GET", "POST", "QUERY"]) expect((yield* send(method, "*")).status).toBe(400)
    }).pipe(Effect.provide(live)))

  it.effect("accept only digits as a limit", () =>
    Effect.gen(function*() {
      for (const limit of ["1e1", "%2B5", "", "%205", "0x5", "5.0", "-1"]) {
        const { body, status } = yield* send("GET", `/files?limit=${limit}`)
        expect([limit, status]).toEqual([limit, 400])
        expect(jsonOf(body)).toMatchObject({ error: { param: "limit" } })
      }
      expect((yield* send("GET", "/files?limit=5")).status).toBe(200)
    }).pipe(Effect.provide(live)))

  it.effect("respond to an unknown route with the error envelope", () =>
    Effect.gen(function*() {
      for (const [method, path] of [["GET", "/v1/nothing"], ["OPTIONS", "/nothing"], ["POST", "/%zz"]] as const) {
        const { body, headers, status } = yield* send(method, `${path}?key=secret`)
        expect([status, headers["content-type"]]).toEqual([404, "application/json"])
        expect(jsonOf(body)).toEqual({
          error: { message: `Invalid URL (${method} ${path})`, type: "invalid_request_error", param: null, code: null }
        })
      }
      expect((yield* send("HEAD", "/nothing")).status).toBe(404)
      expect((yield* send("GET", "/files")).status).toBe(200)
    }).pipe(Effect.provide(live)))
})
