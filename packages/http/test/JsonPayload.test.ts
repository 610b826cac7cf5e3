import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { IncomingHttpHeaders } from "node:http"
import { request } from "node:http"
import { connect } from "node:net"
import { served, url } from "./support/server.js"

const server = served.pipe(Layer.provideMerge(Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)))

interface Reply {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

/** Sends a body in one piece with its Content-Length, or chunked. */
const post = (
  path: string,
  body: Uint8Array | string,
  { chunked = false, ...headers }: { readonly chunked?: boolean; readonly [name: string]: string | boolean } = {}
) =>
  Effect.flatMap(url, (baseURL) =>
    Effect.async<Reply>((resume) => {
      const length = chunked ? {} : { "content-length": Buffer.byteLength(body) }
      const sent = request(
        `${baseURL}${path}`,
        { method: "POST", headers: { ...length, ...strings(headers) } },
        (reply) => {
          let text = ""
          reply.setEncoding("utf8")
          reply.on("data", (chunk: string) => {
            text += chunk
          })
          reply.on(
            "end",
            () => resume(Effect.succeed({ status: reply.statusCode, headers: reply.headers, body: JSON.parse(text) }))
          )
        }
      )
      sent.on("error", (cause) => resume(Effect.die(cause)))
      sent.write(body)
      sent.end()
    }))

const strings = (headers: Readonly<Record<string, string | boolean>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))

const valid = { filename: "a.jsonl", purpose: "fine-tune", bytes: 1, mime_type: "text/jsonl" }

const json = (change: object = {}) => JSON.stringify({ ...valid, ...change })

const created = Effect.flatMap(UploadsMemory.UploadsServiceTest, (handle) => handle.uploads)

describe("a JSON body", () => {
  it.effect("has each key of an object once", () =>
    Effect.gen(function*() {
      const rejected = [
        json().replace("{", `{"bytes":2,`),
        json().replace("{", `{"byt\\u0065s":2,`),
        json({ extra: 0 }).replace("0", `[{"a":{},"a":{}}]`),
        json().replace("{", `{"__proto__":1,"__proto__":1,`)
      ]
      for (const body of rejected) {
        expect(yield* post("/uploads", body)).toMatchObject({
          status: 400,
          body: { error: { message: expect.stringContaining("the same key twice") } }
        })
      }
      const accepted = json({ filename: `a:"b\\`, extra: [{ a: 1 }, { a: 2 }] }).replace("{", `{"__proto__":{"a":1},`)
      expect((yield* post("/uploads", accepted)).status).toBe(200)
    }).pipe(Effect.provide(server)))

  for (const chunked of [false, true]) {
    const how = chunked ? "that is chunked" : "with a Content-Length"

    it.effect(`${how} may begin with a byte order mark and end with a line break`, () =>
      Effect.gen(function*() {
        expect((yield* post("/uploads", `\uFEFF${json()}\n`, { chunked })).status).toBe(200)
      }).pipe(Effect.provide(server)))

    it.effect(`${how} must be valid UTF-8`, () =>
      Effect.gen(function*() {
        const body = Buffer.from(json({ filename: "?.jsonl" }))
        body[body.indexOf("?")] = 0xe9
        expect(yield* post("/uploads", body, { chunked })).toMatchObject({
          status: 400,
          body: { error: { message: expect.stringContaining("UTF-8") } }
        })
        expect(yield* created).toEqual([])
      }).pipe(Effect.provide(server)))

    it.effect(`${how} of more than 4 MiB gets 413 with the error envelope`, () =>
      Effect.gen(function*() {
        const { id } = yield* Effect.flatMap(
          UploadsMemory.UploadsServiceTest,
          (handle) => Effect.zipRight(post("/uploads", json()), handle.uploads)
        ).pipe(
          Effect.flatMap(([upload]) => upload === undefined ? Effect.dieMessage("no Upload") : Effect.succeed(upload))
        )
        for (const path of ["/uploads", `/uploads/${id}/complete`]) {
          const reply = yield* post(path, " ".repeat(8 * 1024 * 1024), { chunked })
          expect(reply).toMatchObject({
            status: 413,
            headers: { connection: "close" },
            body: {
              error: {
                type: "invalid_request_error",
                code: "request_too_large",
                param: null,
                message: expect.stringContaining("4194304 bytes")
              }
            }
          })
          const largest = `${json()}${" ".repeat(4 * 1024 * 1024)}`.slice(0, 4 * 1024 * 1024)
          expect((yield* post(path, largest, { chunked })).status).toBe(path === "/uploads" ? 200 : 400)
        }
      }).pipe(Effect.provide(server)))
  }

  for (
    const [what, body, limit] of [
      ["arrays", `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`, "10000 arrays, objects and keys"],
      ["objects", `[${"{},".repeat(100_000)}0]`, "10000 arrays, objects and keys"],
      ["keys", `{${Array.from({ length: 20_000 }, (_, index) => `"${index}":0`).join()}}`, "10000 arrays"],
      ["elements", `[${"0,".repeat(300_000)}0]`, "200000 commas"]
    ] as const
  ) {
    it.effect(`with too many ${what} is rejected before it is parsed`, () =>
      Effect.gen(function*() {
        expect(yield* post("/uploads", `{"x":${body}}`)).toMatchObject({
          status: 400,
          body: { error: { message: expect.stringContaining(limit) } }
        })
      }).pipe(Effect.provide(server)))
  }

  it.effect("may have a text with any number of commas, brackets and quotes", () =>
    Effect.gen(function*() {
      const note = "[{\"\\\",:".repeat(100_000)
      expect((yield* post("/uploads", json({ note, notes: [note] }))).status).toBe(200)
    }).pipe(Effect.provide(server)))

  it.live("with a Content-Length that is too large gets 413 before it arrives", () =>
    Effect.gen(function*() {
      const { port } = new URL(yield* url)
      const received = yield* Effect.async<string>((resume) => {
        const socket = connect({ host: "127.0.0.1", port: Number(port) })
        socket.on("data", (data) => {
          resume(Effect.succeed(data.toString()))
          socket.destroy()
        })
        socket.write("POST /uploads HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
      })
      expect(received).toMatch(/^HTTP\/1\.1 413 /)
    }).pipe(Effect.provide(server)), 5000)

  // Node warns after ten listeners of an event, so that a listener for each chunk would show.
  it.live("without end gets 413, and its connection is closed", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      const onWarning = (warning: Error) => warnings.push(warning.message)
      process.on("warning", onWarning)
      const { port } = new URL(yield* url)
      const received = yield* Effect.async<string>((resume) => {
        const socket = connect({ host: "127.0.0.1", port: Number(port) })
        let text = ""
        socket.on("data", (data) => {
          text += data.toString()
        })
        socket.on("error", () => socket.destroy())
        socket.on("close", () => resume(Effect.succeed(text)))
        socket.write("POST /uploads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        const chunk = Buffer.from(`10000\r\n${" ".repeat(65_536)}\r\n`)
        const send = () => {
          while (socket.writable && socket.write(chunk));
        }
        socket.on("drain", send)
        send()
      })
      expect(received).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"request_too_large"/)
      process.off("warning", onWarning)
      expect(warnings).toEqual([])
    }).pipe(Effect.provide(server)), 20_000)

  it.effect("of another media type or encoding gets 415 with the one that is read", () =>
    Effect.gen(function*() {
      for (
        const type of ["multipart/form-data; boundary=x", "application/xml", "text/html", "application/jsonx", "json"]
      ) {
        const reply = yield* post("/uploads", json(), { "content-type": type })
        expect(reply).toMatchObject({
          status: 415,
          headers: { accept: "application/json" },
          body: { error: { code: "unsupported_media_type", param: "content-type" } }
        })
      }
      for (const encoding of ["gzip", "deflate, br", "x"]) {
        const reply = yield* post("/uploads", json(), { "content-encoding": encoding })
        expect(reply).toMatchObject({
          status: 415,
          headers: { "accept-encoding": "identity" },
          body: {
            error: {
              code: "unsupported_media_type",
              param: "content-encoding",
              message: `The content-encoding of the request is "${encoding}"; it must be identity`
            }
          }
        })
      }
      for (const coding of ["gzip, chunked", "x, chunked"]) {
        const reply = yield* post("/uploads", json(), { chunked: true, "transfer-encoding": coding })
        expect(reply).toMatchObject({
          status: 415,
          body: { error: { code: "unsupported_media_type", param: "transfer-encoding" } }
        })
      }
      expect(yield* created).toEqual([])
      for (
        const type of ["application/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.x+json", "text/plain"]
      ) {
        const reply = yield* post("/uploads", json(), { "content-type": type, "content-encoding": "identity" })
        expect([type, reply.status]).toEqual([type, 200])
      }
    }).pipe(Effect.provide(server)))

  it.effect("with a key that resembles a known one gets 400 that names it", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [change: object, param: string]> = [
        [{ expiresAfter: { anchor: "created_at", seconds: 3600 } }, "expiresAfter"],
        [{ "expires_after[seconds]": 3600 }, "expires_after[seconds]"],
        [{ "expires_after.seconds": 3600 }, "expires_after.seconds"],
        [{ expires: 3600 }, "expires"],
        [{ expires_at: 3600 }, "expires_at"],
        [{ expires_after: { anchor: "created_at", seconds: 3600, Seconds: 7200 } }, "expires_after.Seconds"],
        [{ mimeType: "text/plain" }, "mimeType"],
        [{ Bytes: 2 }, "Bytes"],
        [{ fileName: "b" }, "fileName"],
        [{ Purpose: "batch" }, "Purpose"],
        [{ [`expires_after${"x".repeat(100)}`]: 1 }, `expires_after${"x".repeat(67)}`]
      ]
      for (const [change, param] of cases) {
        const reply = yield* post("/uploads", json(change))
        expect(reply).toMatchObject({ status: 400, body: { error: { param, details: { _tag: "InvalidRequest" } } } })
      }
      for (const [key, value] of [["partIds", []], ["part_id", "part_1"], ["MD5", "0".repeat(32)]] as const) {
        const reply = yield* post("/uploads/upload_1/complete", JSON.stringify({ part_ids: [], [key]: value }))
        expect(reply).toMatchObject({ status: 400, body: { error: { param: key } } })
      }
      expect(yield* created).toEqual([])
    }).pipe(Effect.provide(server)))

  it.effect("may have any other unknown key, but at most 100 keys", () =>
    Effect.gen(function*() {
      const extra = { metadata: { Bytes: 1 }, user: "u", ttl: 60, file: "x", name: "x", "": 1, constructor: 1 }
      expect((yield* post("/uploads", json(extra))).status).toBe(200)
      const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, 1]))
      expect((yield* post("/uploads", json(keys(96)))).status).toBe(200)
      expect(yield* post("/uploads", json(keys(97)))).toMatchObject({
        status: 400,
        body: { error: { param: null, message: expect.stringContaining("at most 100 keys") } }
      })
    }).pipe(Effect.provide(server)))
})
