import { pattern } from "@effect-uploads/http/test/contract"
import { recording } from "@effect-uploads/http/test/telemetry"
import { PartStorage } from "@effect-uploads/server/PartStorage"
import * as Server from "@effect-uploads/server/Server"
import { StorageError } from "@effect-uploads/server/StorageError"
import { UploadRepository } from "@effect-uploads/server/UploadRepository"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Fs from "node:fs/promises"
import OpenAI, { toFile } from "openai"
import * as Health from "../src/internal/http/health.js"
import type { Reply } from "./support/serving.js"
import { clientOf, codeOf, configOf, connect, eventually, idOf, sdkOf, send, serving } from "./support/serving.js"
import { durable, temporaryDirectory } from "./support/stores.js"

const json = ({ text }: Reply): unknown => JSON.parse(text)

const requestIdOf = ({ headers }: Reply) => headers.get("x-request-id") ?? ""

/** While the effect runs, the folder of a server is not where it was. */
const without = (directory: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.promise(() => Fs.rename(directory, `${directory}-away`)),
    () => effect,
    () => Effect.promise(() => Fs.rename(`${directory}-away`, directory))
  )

describe("the health check", () => {
  it.scopedLive("covers the process, the database and the folder", () =>
    Effect.gen(function*() {
      const { directory, url } = yield* serving()
      const healthy = { status: "ok", database: "ok", parts: "ok" }
      const check = Effect.forEach(["", "/ready", "/live"], (path) =>
        Effect.map(send(`${url}/health${path}`), (reply) => [reply.status, json(reply)]))
      expect(yield* check).toEqual([[200, healthy], [200, healthy], [200, { status: "ok" }]])
      const [ready, , live] = yield* without(directory)(check)
      expect(ready).toEqual([503, { status: "unavailable", database: "Missing", parts: "Missing" }])
      expect(live).toEqual([200, { status: "ok" }])
      expect((yield* check)[0]).toEqual([200, healthy])
    }))

  it.effect("reports the reason of a failure, and a timeout", () =>
    Effect.gen(function*() {
      const locked = new StorageError({ store: "database", reason: "Locked", operation: "ping" })
      const repository = { ...(yield* UploadRepository), ping: Effect.fail(locked) }
      const storage = { ...(yield* PartStorage), ping: Effect.never }
      const checking = yield* Effect.fork(Health.check.pipe(
        Effect.provideService(UploadRepository, repository),
        Effect.provideService(PartStorage, storage)
      ))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(checking)).toEqual({ database: "Locked", parts: "Timeout" })
    }).pipe(Effect.provide(durable)))
})

describe("the metrics", () => {
  const scrape = (url: string) => Effect.map(send(`${url}/metrics`), ({ text }) => text)

  const sample = (text: string, line: string): number =>
    Number(text.split("\n").find((found) => found.startsWith(`${line} `))?.slice(line.length) ?? 0)

  it.scopedLive("count the responses, and the bytes of recorded parts", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const client = clientOf(url)
      const before = yield* scrape(url)
      const { fileId, uploadId } = yield* client.file(pattern(100), pattern(23))
      yield* client.addPart(uploadId, pattern(1000))
      yield* client.content(fileId)
      yield* send(`${url}/nowhere`)
      const after = yield* scrape(url)
      const moved = (line: string) => sample(after, line) - sample(before, line)
      const counted = (operation: string, status: number) =>
        moved(`uploads_server_requests_total{operation="${operation}",status="${status}"}`)
      expect(counted("createUpload", 200)).toBe(1)
      expect(counted("addUploadPart", 200)).toBe(2)
      expect(counted("addUploadPart", 400)).toBe(1)
      expect(counted("downloadFile", 200)).toBe(1)
      expect(counted("other", 404)).toBe(1)
      expect(moved("uploads_server_part_bytes_total")).toBe(123)
      // Those above, and the first scrape.
      expect(moved("uploads_server_request_seconds_count")).toBe(8)
      expect(sample(after, "uploads_server_requests_in_flight")).toBe(1)
    }))

  it.scopedLive("are valid Prometheus lines", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      yield* clientOf(url).file(pattern(10))
      const { headers, text } = yield* send(`${url}/metrics`)
      expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
      expect(text.endsWith("\n")).toBe(true)
      const label = "[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\\\\n]|\\\\[\\\\n\"])*\""
      const line = new RegExp(
        "^(?:# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .*|# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (?:counter|gauge|histogram|summary)|" +
          `[a-zA-Z_:][a-zA-Z0-9_:]*(?:\\{${label}(?:,${label})*\\})? (?:[+-]Inf|NaN|-?[0-9.]+(?:e[+-]?[0-9]+)?))$`
      )
      const lines = text.slice(0, -1).split("\n")
      expect(lines.filter((found) => !line.test(found))).toEqual([])
      const types = lines.filter((found) => found.startsWith("# TYPE ")).map((found) => found.split(" ")[2])
      expect(types).toContain("uploads_server_requests_total")
      expect(new Set(types).size).toBe(types.length)
    }))
})

describe("the API of the server", () => {
  it.scopedLive("has an OpenAPI document with every operation below /v1 and its security scheme", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const document = JSON.parse((yield* send(`${url}/openapi.json`)).text)
      expect(document.servers).toEqual([{ url: "/v1" }])
      expect(document.components.securitySchemes).toMatchObject({ bearer: { type: "http", scheme: "bearer" } })
      const operations = Object.values<object>(document.paths).flatMap((path) => Object.values(path))
      expect(operations.map(({ operationId }) => operationId)).toEqual(
        expect.arrayContaining(["createUpload", "addUploadPart", "completeUpload", "cancelUpload", "downloadFile"])
      )
      for (const operation of operations) expect(operation.security).toEqual([{ bearer: [] }])
    }))

  it.scopedLive("has a reference page that loads nothing from other hosts", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const { headers, text } = yield* send(`${url}/docs`)
      expect(headers.get("content-type")).toContain("text/html")
      const markup = text.replace(/(<script\b[^>]*>)[\s\S]*?<\/script>/g, "$1").replace(
        /<style\b[\s\S]*?<\/style>/g,
        ""
      )
      expect(markup).toContain("<script")
      expect(markup.match(/(?:src|href)\s*=\s*["']?(?:https?:)?\/\//g)).toBe(null)
      expect(text).toContain("Uploads and Files")
    }))

  it.scopedLive("is available with and without /v1, and any other path gets the error envelope", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const { fileId } = yield* clientOf(url).file(pattern(10))
      for (const base of ["/v1", ""]) {
        expect((yield* send(`${url}${base}/files/${fileId}`)).status).toBe(200)
        expect((yield* send(`${url}${base}/files?limit=1`)).status).toBe(200)
      }
      const unrouted = ["/v1", "/v1/", "/v2/files", "/v1/v1/files", "/v1/files/%zz", "/metrics/x"]
      for (const path of unrouted) {
        const reply = yield* send(`${url}${path}`)
        expect([path, reply.status, json(reply)]).toMatchObject([path, 404, {
          error: { type: "invalid_request_error", message: expect.stringContaining("Invalid URL (GET ") }
        }])
      }
      expect((yield* send(`${url}/nowhere?api_key=sk-secret`)).text).not.toContain("sk-secret")
    }))
})

describe("the id of a request", () => {
  it.scopedLive("is in every response, and no two requests have the same", () =>
    Effect.gen(function*() {
      const { log, url } = yield* serving({ UPLOADS_API_KEYS: "alpha:sk-alpha", UPLOADS_PART_BYTES: "1000" })
      const client = clientOf(url, "sk-alpha")
      const uploadId = idOf(yield* client.create(5000))
      const replies = [
        [200, yield* client.create(1)],
        [400, yield* client.create(-1)],
        [
          400,
          yield* client.addPart(uploadId, pattern(10)).pipe(Effect.zipRight(client.complete(uploadId, ["part_0"])))
        ],
        [401, yield* clientOf(url, "sk-beta").list],
        [404, yield* client.retrieve("file-0")],
        [404, yield* send(`${url}/nowhere`)],
        [413, yield* client.addPart(uploadId, pattern(1001))],
        [200, yield* send(`${url}/health`)],
        [200, yield* send(`${url}/docs`)],
        [200, yield* send(`${url}/openapi.json`)]
      ] as const
      expect(replies.map(([, { status }]) => status)).toEqual(replies.map(([status]) => status))
      const ids = replies.map(([, reply]) => requestIdOf(reply))
      for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{32}$/)
      expect(new Set(ids).size).toBe(ids.length)
      for (const id of ids) {
        const told = () => log.filter((line) => line.includes(`requestId=${id}`) && /=(Responded|Rejected) /.test(line))
        yield* eventually(`a line of ${id}`, () => told().length > 0)
        expect(told()).toHaveLength(1)
      }
    }))

  it.scopedLive("is in the one line that the log has of a failure", () =>
    Effect.gen(function*() {
      const { directory, log, url } = yield* serving()
      const client = clientOf(url)
      const uploadId = idOf(yield* client.create(100))
      const reply = yield* without(directory)(client.addPart(uploadId, pattern(100)))
      expect(reply.status).toBe(503)
      const lines = log.filter((line) => line.includes("level=ERROR"))
      expect(lines).toEqual([expect.stringContaining(`requestId=${requestIdOf(reply)}`)])
      expect(lines[0]).toMatch(/reason=Missing/)
      expect((yield* client.addPart(uploadId, pattern(100))).status).toBe(200)
    }))

  it.scopedLive("is in the response to a defect, and in its line in the log", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const config = yield* configOf({ UPLOADS_PORT: "0", UPLOADS_DATA_DIR: directory })
      const broken = HttpApiBuilder.Router.use((router) => router.get("/broken", Effect.die(new Error("a bug"))))
      const context = yield* Layer.build(Layer.provide(Server.layer(config), broken))
      const url = yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), context)
      const reply = yield* send(`${url}/broken`)
      expect(reply.status).toBe(500)
      expect(requestIdOf(reply)).toMatch(/^req_[0-9a-f]{32}$/)
      expect(reply.text).not.toContain("a bug")
    }))
})

describe("malformed HTTP", () => {
  for (
    const [what, text, status] of [
      ["no HTTP", "hello\r\n\r\n", 400],
      [
        "headers without an end",
        `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`,
        431
      ]
    ] as const
  ) {
    it.scopedLive(`gets the error envelope and an id that is in the log: ${what}`, () =>
      Effect.gen(function*() {
        const { log, url } = yield* serving()
        const { closed, received, socket } = yield* connect(url)
        socket.write(text)
        yield* closed
        const [head = "", body = ""] = received().split("\r\n\r\n")
        expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
        expect(JSON.parse(body)).toMatchObject({ error: { type: "invalid_request_error", param: null, code: null } })
        const id = /^x-request-id: (req_[0-9a-f]{32})$/m.exec(head.replaceAll("\r", ""))?.[1] ?? "no id"
        yield* eventually("it is told", () => log.some((line) => line.includes(`requestId=${id}`)))
      }))
  }

  it.scopedLive("is not a body that is cut off, which gets a message of its own", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const form = "Content-Type: multipart/form-data; boundary=b\r\n"
      for (
        const request of [
          "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
          "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
          `POST /v1/files HTTP/1.1\r\nHost: localhost\r\n${form}Content-Length: 100\r\n\r\n--b\r\n`,
          "GET /v1/files HTTP/1.1\r\nHost: loc"
        ]
      ) {
        const { closed, received, socket } = yield* connect(url)
        // Ends its side of the connection, and reads the other one.
        socket.end(request)
        yield* closed
        expect(received()).toMatch(/^HTTP\/1\.1 400 [\s\S]*The connection was closed before the end of the request/)
      }
    }))

  it.scopedLive("gets no second response when the body becomes malformed after the response", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const { closed, received, socket } = yield* connect(url)
      socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
      yield* eventually("a reply", () => received().includes(`"ok"`))
      socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n")
      yield* closed
      expect(received().match(/^HTTP\/1\.1 /gm)?.length).toBeLessThanOrEqual(3)
    }))

  it.scopedLive("gets no response in the middle of another response", () =>
    Effect.gen(function*() {
      const { log, url } = yield* serving()
      const bytes = 32 * 1024 * 1024
      const { fileId } = yield* clientOf(url).file(new Uint8Array(bytes))
      const { closed, received, socket } = yield* connect(url)
      // So that it has not ended by then.
      socket.once("data", () => socket.pause())
      socket.write(`GET /v1/files/${fileId}/content HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
      yield* eventually("it has begun", () => received().includes("\r\n\r\n"))
      socket.write("no HTTP\r\n\r\n")
      yield* eventually("a rejection", () => log.some((line) => line.includes("reason=HPE_")))
      socket.resume()
      yield* closed
      expect(received().match(/HTTP\/1\.1 /g)).toHaveLength(1)
      expect(received().length).toBeLessThan(bytes)
    }))

  it.scopedLive("does not end the server when a client asks for an upgrade and resets the connection", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      for (let attempt = 0; attempt < 20; attempt++) {
        const { closed, socket } = yield* connect(url)
        socket.write(
          "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n",
          () => socket.resetAndDestroy()
        )
        yield* closed
      }
      expect((yield* send(`${url}/health`)).status).toBe(200)
    }))

  it.scopedLive("in the body gets the response that the headers have, before the connection is closed", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const { closed, received, socket } = yield* connect(url)
      socket.write(
        "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
      )
      yield* closed
      expect(received()).toMatch(/^HTTP\/1\.1 4\d\d [^]*x-request-id: req_/)
    }))

  it.scopedLive("is not CONNECT, which the server does not implement", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const { closed, received, socket } = yield* connect(url)
      socket.write("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n")
      yield* closed
      expect(received()).toMatch(/^HTTP\/1\.1 501 [\s\S]*x-request-id: req_[\s\S]*"invalid_request_error"/)
    }))
})

describe("the Expect header", () => {
  const form = "Content-Type: multipart/form-data; boundary=b\r\n"
  const tooLong = `Content-Length: ${2 ** 40}\r\n`

  it.scopedLive("gets no 100 Continue where the headers alone make the request fail", () =>
    Effect.gen(function*() {
      const { url } = yield* serving({ UPLOADS_API_KEYS: "alpha:sk-alpha" })
      const client = clientOf(url, "sk-alpha")
      const parts = `/v1/uploads/${idOf(yield* client.create(10))}/parts`
      const rejected: ReadonlyArray<readonly [request: string, headers: string, status: number, key?: string]> = [
        ["POST /v1/uploads", "Content-Length: 10\r\n", 401, "sk-beta"],
        ["POST /v1/nowhere", "Content-Length: 10\r\n", 404],
        ["POST /v1/uploads/upload_1/parts", `Content-Length: 10\r\n${form}`, 404],
        ["QUERY /v1/uploads", "Content-Length: 10\r\n", 405],
        ["POST /v1/uploads", tooLong, 413],
        [`POST ${parts}`, `${tooLong}${form}`, 413],
        ["POST /v1/files", `${tooLong}${form}`, 400],
        ["POST /v1/files", "Content-Length: 10\r\n", 415],
        ["POST /v1/uploads", "Content-Length: 10\r\nContent-Encoding: gzip\r\n", 415]
      ]
      for (const [request, headers, status, key = "sk-alpha"] of rejected) {
        const { received, socket } = yield* connect(url)
        socket.write(
          `${request} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nExpect: 100-continue\r\n${headers}\r\n`
        )
        yield* eventually("an error response", () => received().endsWith("}}"))
        const head = received().toLowerCase()
        expect([request, head.slice(0, 12)]).toEqual([request, `http/1.1 ${status}`])
        expect(head).toContain("\r\nx-request-id: req_")
        expect(head).toContain("\r\nconnection: close\r\n")
      }
    }))

  it.scopedLive("gets 100 Continue when the body is read, and then the response", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const uploadId = idOf(yield* clientOf(url).create(10))
      const part = "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n0123456789\r\n--b--\r\n"
      const bodies: ReadonlyArray<readonly [path: string, headers: string, body: string]> = [
        ["/v1/uploads", "", `{"purpose":"batch","filename":"a","bytes":1,"mime_type":"text/jsonl"}`],
        [`/v1/uploads/${uploadId}/parts`, form, part]
      ]
      for (const [path, headers, body] of bodies) {
        const { received, socket } = yield* connect(url)
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n${headers}` +
            `Content-Length: ${body.length}\r\n\r\n`
        )
        yield* eventually("100 Continue", () => received() === "HTTP/1.1 100 Continue\r\n\r\n")
        socket.write(body)
        yield* eventually("a response", () => received().endsWith("}"))
        expect(received().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 100", "HTTP/1.1 200"])
      }
    }))

  it.scopedLive("gets a 417 where it is anything else", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      for (const [expectation, status] of [["miracles", 417], ["100-continue, miracles", 417], ["100-Continue", 200]]) {
        const { received, socket } = yield* connect(url)
        socket.write(`GET /health/live HTTP/1.1\r\nHost: localhost\r\nExpect: ${expectation}\r\n\r\n`)
        yield* eventually("a response", () => received().endsWith("}"))
        expect([expectation, received()]).toEqual([
          expectation,
          expect.stringMatching(new RegExp(`^HTTP/1\\.1 ${status} [^]*x-request-id: req_`))
        ])
      }
    }))
})

describe("authentication", () => {
  const keys = { UPLOADS_API_KEYS: "alpha:sk-alpha-1, alpha:sk-alpha-2,beta:sk-beta:with:colons" }

  it.scopedLive("hides the Uploads and Files of another project", () =>
    Effect.gen(function*() {
      const { url } = yield* serving(keys)
      const alpha = clientOf(url, "sk-alpha-1")
      const beta = clientOf(url, "sk-beta:with:colons")
      const { fileId } = yield* alpha.file(pattern(10))
      const pending = idOf(yield* alpha.create(10))
      const part = idOf(yield* alpha.addPart(pending, pattern(10)))
      const own = idOf(yield* beta.create(10))
      const rejected = [
        yield* beta.addPart(pending, pattern(1)),
        yield* beta.complete(pending, [part]),
        yield* beta.cancel(pending),
        yield* beta.retrieve(fileId),
        yield* beta.content(fileId),
        yield* beta.content(fileId, { range: "bytes=0-0" }),
        yield* beta.delete(fileId)
      ]
      expect(rejected.map((reply) => [reply.status, codeOf(reply)])).toEqual([
        ...Array.from({ length: 3 }, () => [404, "upload_not_found"]),
        ...Array.from({ length: 4 }, () => [404, "file_not_found"])
      ])
      // The same response as for an id that does not exist.
      const unknown = yield* beta.retrieve("file-0")
      expect(rejected[3]?.text.replaceAll(fileId, "file-0")).toBe(unknown.text)
      expect(json(yield* beta.list)).toMatchObject({ data: [] })
      expect(
        (yield* send(`${url}/v1/files?after=${fileId}`, {
          headers: { authorization: "Bearer sk-beta:with:colons" }
        })).status
      ).toBe(400)
      // A part of another project's cannot be taken along.
      expect(codeOf(yield* beta.complete(own, [part]))).toBe("part_not_found")

      const colleague = clientOf(url, "sk-alpha-2")
      expect(json(yield* colleague.list)).toMatchObject({ data: [{ id: fileId }] })
      expect((yield* colleague.complete(pending, [part])).status).toBe(200)
    }))

  it.scopedLive("rejects a request without a valid key", () =>
    Effect.gen(function*() {
      const { url } = yield* serving(keys)
      const headers: ReadonlyArray<Record<string, string>> = [
        {},
        { authorization: "" },
        { authorization: "Bearer" },
        { authorization: "Bearer " },
        { authorization: "Bearer sk-alpha" },
        { authorization: "Bearer sk-alpha-11" },
        { authorization: "Bearer SK-ALPHA-1" },
        { authorization: "Bearer sk-alpha-1,sk-alpha-1" },
        { authorization: "alpha:sk-alpha-1" },
        { authorization: "sk-alpha-1" },
        { authorization: "Digest sk-alpha-1" },
        { authorization: `Basic ${Buffer.from("alpha:sk-alpha-1").toString("base64")}` },
        { "x-api-key": "sk-alpha-1" }
      ]
      for (const one of headers) {
        const reply = yield* send(`${url}/v1/files`, { headers: one })
        expect([one, reply.status, json(reply)]).toMatchObject([one, 401, {
          error: { type: "invalid_request_error", code: "invalid_api_key", param: null }
        }])
        expect(reply.headers.get("www-authenticate")).toBe("Bearer")
        expect(reply.text).not.toContain("sk-alpha")
      }
      // Node reads the first of several headers, and a proxy may have read another one.
      for (const others of [["Bearer sk-alpha-1", "Bearer sk-beta"], ["Bearer sk-alpha-1", "Bearer sk-alpha-1"]]) {
        const { closed, received, socket } = yield* connect(url)
        const lines = others.map((value) => `Authorization: ${value}\r\n`).join("")
        socket.write(`GET /v1/files HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n`)
        yield* closed
        expect(received()).toMatch(
          /^HTTP\/1\.1 401 [\s\S]*www-authenticate: Bearer[\s\S]*several `Authorization` headers/
        )
      }
      for (const scheme of ["Bearer", "bearer", "BEARER"]) {
        expect((yield* send(`${url}/v1/files`, { headers: { authorization: `${scheme} sk-alpha-1` } })).status).toBe(
          200
        )
      }
    }))

  it.scopedLive("lets the official client recognise a rejected key, and accepts organization and project", () =>
    Effect.gen(function*() {
      const { url } = yield* serving(keys)
      const attempts = [
        (sdk: OpenAI) => sdk.uploads.create({ filename: "a", purpose: "batch", bytes: 1, mime_type: "text/jsonl" }),
        async (sdk: OpenAI) => sdk.uploads.parts.create("upload_1", { data: await toFile(pattern(100_000)) }),
        (sdk: OpenAI) => sdk.uploads.complete("upload_1", { part_ids: [] }),
        (sdk: OpenAI) => sdk.uploads.cancel("upload_1"),
        (sdk: OpenAI) => sdk.files.retrieve("file-1"),
        (sdk: OpenAI) => sdk.files.content("file-1"),
        (sdk: OpenAI) => sdk.files.list(),
        (sdk: OpenAI) => sdk.files.delete("file-1")
      ]
      for (const attempt of attempts) {
        const error = yield* Effect.flip(Effect.tryPromise({
          try: async () => attempt(sdkOf(url, "sk-wrong")),
          catch: (error) => error
        }))
        expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
      }
      const sdk = new OpenAI({
        baseURL: `${url}/v1`,
        apiKey: "sk-alpha-1",
        organization: "org-any",
        project: "proj_any"
      })
      expect((yield* Effect.promise(() => sdk.files.list())).data).toEqual([])
    }))

  it.scopedLive("serves only this machine when no keys are configured", () =>
    Effect.gen(function*() {
      for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.1.example.com", ""]) {
        const config = {
          ...(yield* configOf({ UPLOADS_PORT: "0", UPLOADS_DATA_DIR: yield* temporaryDirectory })),
          host
        }
        const error = yield* Effect.flip(Layer.build(Server.layer(config)))
        expect([host, String(error)]).toEqual([host, expect.stringContaining("UPLOADS_API_KEYS")])
      }
      const { log, url } = yield* serving({ UPLOADS_HOST: "localhost" })
      expect(log.filter((line) => line.includes("No API keys are configured"))).toHaveLength(1)
      expect((yield* clientOf(url).list).status).toBe(200)
      const { log: silent, url: everywhere } = yield* serving({ ...keys, UPLOADS_HOST: "0.0.0.0" })
      expect(silent.filter((line) => line.includes("No API keys"))).toEqual([])
      expect((yield* clientOf(everywhere, "sk-alpha-1").list).status).toBe(200)
    }))
})

describe("secrets", () => {
  const key = "sk-TheKeyThatNobodyMayRead"
  const content = "TheContentThatNobodyMayRead"

  it.scopedLive("are in no line of the log, no span and no error response", () =>
    Effect.gen(function*() {
      const { record, spans } = recording()
      const { directory, log, url } = yield* record(
        serving({ UPLOADS_SURPLUS_PARTS: "0", UPLOADS_API_KEYS: `alpha:${key}` })
      )
      const client = clientOf(url, key)
      const bytes = Buffer.from(content.repeat(10))
      const { fileId } = yield* client.file(bytes)
      const uploadId = idOf(yield* client.create(bytes.length))
      const replies = [
        yield* client.create(-1),
        yield* send(`${url}/v1/uploads`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}` },
          body: content
        }),
        yield* client.addPart(uploadId, Buffer.concat([bytes, bytes, bytes])),
        yield* clientOf(url, `${key}-wrong`).addPart(uploadId, bytes),
        yield* send(`${url}/v1/uploads/${uploadId}/parts`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "multipart/form-data; boundary=b" },
          body: `--b\r\n${content}\r\n\r\n${content}`
        }),
        ...(yield* without(directory)(Effect.all([client.addPart(uploadId, bytes), client.content(fileId)])))
      ]
      expect(replies.map(({ status }) => status)).toEqual([400, 400, 400, 401, 400, 503, 503])
      // A client that hangs up in the middle of a part.
      const { socket } = yield* connect(url)
      socket.write(
        `POST /v1/uploads/${uploadId}/parts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nAuthorization: Bearer ${key}\r\n` +
          `Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n${content}`
      )
      const isWriting = () =>
        spans.filter(({ name }) => name === "UploadsService.addPart").at(-1)?.status._tag === "Started"
      yield* eventually("the part is being written", isWriting)
      socket.destroy()
      yield* eventually("the part is given up", () => !isWriting())

      const told = spans.map(({ attributes, events, name, status }) => {
        const { exit } = status._tag === "Ended" ? status : { exit: undefined }
        return JSON.stringify([name, [...attributes], events]) + String(exit)
      })
      expect(log.length).toBeGreaterThan(5)
      expect(told.length).toBeGreaterThan(20)
      for (const text of [...log, ...told, ...replies.map(({ text }) => text)]) {
        expect(text).not.toContain(key)
        expect(text).not.toContain(content)
      }
    }))
})
