import * as NodeFileHttpClient from "@effect-uploads/http/NodeFileHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import type { RequestListener } from "node:http"

/** A server of a test's own, closed with its scope. */
const serve = (listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly close: () => void }>((resume) => {
      const server = createServer(listener).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = address !== null && typeof address === "object" ? address.port : 0
        resume(Effect.succeed({
          url: `http://127.0.0.1:${port}`,
          close: () => {
            server.closeAllConnections()
            server.close()
          }
        }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const post = (url: string, body: HttpBody.HttpBody) =>
  Effect.flatMap(
    HttpClient.HttpClient,
    (client) => client.execute(HttpClientRequest.setBody(HttpClientRequest.post(url), body))
  )

const stream = HttpBody.stream(Stream.repeatValue(new Uint8Array(1000)).pipe(Stream.take(20)), "text/plain", 20_000)

describe("NodeFileHttpClient", () => {
  it.scopedLive("goes on sending where the answer begins before the request is through", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((request, response) => {
        response.writeHead(200)
        response.flushHeaders()
        let bytes = 0
        request.on("data", (chunk: Uint8Array) => {
          bytes += chunk.length
        })
        request.on("end", () => response.end(String(bytes)))
      })
      const response = yield* post(url, stream)
      expect(yield* response.text).toBe("20000")
    }).pipe(Effect.provide(NodeFileHttpClient.layer)))

  it.scopedLive("hears an answer that refuses the rest of the request", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((_, response) => {
        response.writeHead(413).end("too large")
      })
      const response = yield* post(url, HttpBody.uint8Array(new Uint8Array(1_000_000)))
      expect(response.status).toBe(413)
      expect(yield* response.text).toBe("too large")
    }).pipe(Effect.provide(NodeFileHttpClient.layer)))

  it.scopedLive("fails where the connection breaks, before the answer and within it", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((request, response) => {
        if (request.url === "/within") {
          response.writeHead(200, { "content-length": 100 }).write("half")
        }
        setImmediate(() => request.socket.destroy())
      })
      expect(yield* Effect.flip(post(`${url}/before`, stream))).toMatchObject({ reason: "Transport" })
      const response = yield* post(`${url}/within`, HttpBody.empty)
      expect(yield* Effect.flip(response.text)).toMatchObject({ _tag: "ResponseError" })
    }).pipe(Effect.provide(NodeFileHttpClient.layer)))

  it.scopedLive("sends text, bytes and forms", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((request, response) => {
        response.writeHead(200, { "content-type": request.headers["content-type"] ?? "none" })
        request.pipe(response)
      })
      const form = new FormData()
      form.set("a", "1")
      const echo = (body: HttpBody.HttpBody) => Effect.flatMap(post(url, body), (response) => response.text)
      expect(yield* echo(HttpBody.text("hello"))).toBe("hello")
      expect(yield* echo(HttpBody.raw("raw"))).toBe("raw")
      expect(yield* echo(HttpBody.formData(form))).toContain("name=\"a\"")
      expect(yield* Effect.flip(post(url, HttpBody.raw(new Blob(["x"]))))).toMatchObject({ reason: "Encode" })
    }).pipe(Effect.provide(NodeFileHttpClient.layer)))
})
