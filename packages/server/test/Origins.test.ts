import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Connection } from "./support/serving.js"
import { connect, serving } from "./support/serving.js"

/*
 * The requests that a web page can cause, as raw bytes: a browser sets `Host` and `Origin` by itself.
 */

const key = "sk-alpha-0123456789"

/** The status, the headers and the code of the response to a request with the given lines. */
const exchange = (url: string, requestLine: string, ...headers: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const connection: Connection = yield* connect(url)
    connection.socket.write([`${requestLine} HTTP/1.1`, ...headers, "Connection: close", "", ""].join("\r\n"))
    yield* Effect.timeoutFail(connection.closed, { duration: "10 seconds", onTimeout: () => "no response" })
    const [head = "", body = ""] = connection.received().split("\r\n\r\n")
    return {
      status: Number(head.split(" ")[1]),
      head: head.toLowerCase(),
      code: /"code":"(\w+)"/.exec(body)?.[1]
    }
  }).pipe(Effect.scoped)

describe("without keys the server", () => {
  it.scopedLive("responds only when the Host is the loopback", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      for (const host of ["localhost", "localhost:4141", "127.0.0.1", "127.9.9.9:80", "[::1]:4141", "LOCALHOST"]) {
        expect([host, (yield* exchange(url, "GET /v1/files", `Host: ${host}`)).status]).toEqual([host, 200])
      }
      for (
        const host of [
          "evil.example",
          "evil.example:4141",
          "localhost.evil.example",
          "10.0.0.1",
          "127.0.0.1.nip.io",
          "[::2]"
        ]
      ) {
        expect([host, yield* exchange(url, "GET /v1/files", `Host: ${host}`)]).toMatchObject([
          host,
          { status: 403, code: "forbidden_host" }
        ])
      }
    }))

  it.scopedLive("takes the host of an absolute-form target in place of the Host header", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const local = yield* exchange(url, "GET http://127.0.0.1:4141/v1/files", "Host: evil.example")
      expect(local.status).toBe(200)
      const evil = yield* exchange(url, "GET http://evil.example/v1/files", "Host: localhost")
      expect(evil).toMatchObject({ status: 403, code: "forbidden_host" })
      const user = yield* exchange(url, "GET http://evil.example@localhost/v1/files", "Host: localhost")
      expect(user).toMatchObject({ status: 400, code: "invalid_host" })
      // The path of such a target may be empty.
      for (const target of ["http://localhost", "http://localhost?a=b"]) {
        expect((yield* exchange(url, `GET ${target}`, "Host: localhost")).status).toBe(
          (yield* exchange(url, "GET /", "Host: localhost")).status
        )
      }
    }))

  it.scopedLive("rejects a host that is not a host with an optional port, with keys too", () =>
    Effect.gen(function*() {
      const hosts = [
        "localhost/x",
        "localhost?x",
        "localhost#x",
        "a b",
        "evil.example@localhost",
        "localhost:a",
        "[::1",
        "é"
      ]
      for (const keys of [{}, { UPLOADS_API_KEYS: "alpha:sk-alpha" }]) {
        const { url } = yield* serving(keys)
        for (const host of hosts) {
          expect([host, yield* exchange(url, "GET /health/live", `Host: ${host}`)]).toMatchObject([
            host,
            { status: 400, code: "invalid_host" }
          ])
        }
        expect((yield* exchange(url, "GET /health/live#x", "Host: localhost")).code).toBe("invalid_target")
      }
    }))

  it.scopedLive("rejects a request with two Host headers, with keys too", () =>
    Effect.gen(function*() {
      for (const keys of [{}, { UPLOADS_API_KEYS: "alpha:sk-alpha" }]) {
        const { url } = yield* serving(keys)
        const hosts = ["Host: localhost", "Host: evil.example"]
        for (const lines of [hosts, [...hosts].reverse()]) {
          const { status } = yield* exchange(url, "GET /health/live", ...lines)
          expect(status).toBeGreaterThanOrEqual(400)
        }
        const twice = yield* exchange(url, "GET /health/live", "Host: localhost", "Host: localhost")
        expect(twice).toMatchObject({ status: 400, code: "invalid_host" })
      }
    }))

  it.scopedLive("responds only to origins of the loopback and to configured ones", () =>
    Effect.gen(function*() {
      const { url } = yield* serving({ UPLOADS_CORS_ORIGINS: "https://app.example" })
      const post = (origin: string) =>
        exchange(url, "POST /v1/uploads/upload_0/cancel", "Host: localhost", `Origin: ${origin}`, "Content-Length: 0")
      for (const origin of ["http://localhost:3000", "http://127.0.0.1", "https://app.example"]) {
        expect([origin, (yield* post(origin)).status]).toEqual([origin, 404])
      }
      for (
        const origin of [
          "https://evil.example",
          "null",
          "https://app.example.evil.example",
          "http://app.example",
          "http://localhost/x"
        ]
      ) {
        expect([origin, yield* post(origin)]).toMatchObject([origin, { status: 403, code: "forbidden_origin" }])
      }
    }))
})

describe("with keys the server", () => {
  const config = { UPLOADS_API_KEYS: `alpha:${key}` }
  const authorization = `Authorization: Bearer ${key}`

  it.scopedLive("accepts any Host, and sends no CORS headers by default", () =>
    Effect.gen(function*() {
      const { url } = yield* serving(config)
      const response = yield* exchange(
        url,
        "GET /v1/files",
        "Host: a.example",
        "Origin: https://a.example",
        authorization
      )
      expect(response.status).toBe(200)
      expect(response.head).not.toContain("access-control-")
    }))

  it.scopedLive("responds to preflight requests of exactly the configured origins", () =>
    Effect.gen(function*() {
      const { url } = yield* serving({ ...config, UPLOADS_CORS_ORIGINS: "https://a.example, https://b.example:8443" })
      const preflight = (origin: string) =>
        exchange(
          url,
          "OPTIONS /v1/uploads",
          "Host: a.example",
          `Origin: ${origin}`,
          "Access-Control-Request-Method: POST",
          "Access-Control-Request-Headers: authorization,content-type,idempotency-key"
        )
      for (const origin of ["https://a.example", "https://b.example:8443"]) {
        const { head, status } = yield* preflight(origin)
        expect(status).toBe(204)
        expect(head).toContain(`access-control-allow-origin: ${origin}\r\n`)
        expect(head).toMatch(/access-control-allow-headers: [^\r]*authorization[^\r]*content-type[^\r]*idempotency-key/)
        expect(head).toMatch(/access-control-allow-headers: [^\r]*\bb3\b[^\r]*traceparent/)
        expect(head).toMatch(/access-control-allow-methods: [^\r]*post/)
        const response = yield* exchange(url, "GET /v1/files", "Host: a", `Origin: ${origin}`, authorization)
        expect(response.status).toBe(200)
        expect(response.head).toContain(`access-control-allow-origin: ${origin}\r\n`)
        expect(response.head).toMatch(/access-control-expose-headers: [^\r]*x-request-id/)
        // A page has to be able to read an error too.
        const rejected = yield* exchange(url, "GET /v1/files", "Host: a", `Origin: ${origin}`)
        expect(rejected.status).toBe(401)
        expect(rejected.head).toContain(`access-control-allow-origin: ${origin}\r\n`)
      }
      for (const origin of ["https://c.example", "http://a.example", "https://a.example:8443", "null"]) {
        expect((yield* preflight(origin)).head).not.toContain("access-control-")
      }
    }))
})

describe("the pages of the server", () => {
  it.scopedLive("load nothing from other hosts, and cannot be framed", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const docs = yield* exchange(url, "GET /docs", "Host: localhost")
      expect(docs.status).toBe(200)
      expect(docs.head).toContain("content-security-policy: default-src 'none'")
      expect(docs.head).toContain("'wasm-unsafe-eval'")
      expect(docs.head).toContain("frame-ancestors 'none'")
      expect(docs.head).toContain("x-content-type-options: nosniff")
    }))

  it.scopedLive("can be restricted to callers with a key, or closed", () =>
    Effect.gen(function*() {
      const { url } = yield* serving({
        UPLOADS_API_KEYS: `alpha:${key}`,
        UPLOADS_DOCS: "off",
        UPLOADS_PAGE: "off",
        UPLOADS_METRICS: "key"
      })
      const status = (path: string, ...headers: ReadonlyArray<string>) =>
        Effect.map(exchange(url, `GET ${path}`, "Host: a", ...headers), ({ status }) => status)
      for (const path of ["/", "/docs", "/openapi.json"]) expect([path, yield* status(path)]).toEqual([path, 404])
      expect(yield* status("/metrics")).toBe(401)
      expect(yield* status("/metrics", "Authorization: Bearer wrong")).toBe(401)
      expect((yield* exchange(url, "GET /metrics", "Host: a")).head).toContain("www-authenticate: bearer")
      expect(yield* status("/metrics", `Authorization: Bearer ${key}`, "Authorization: Bearer other")).toBe(401)
      expect(yield* status("/metrics", `Authorization: Bearer ${key}`)).toBe(200)
      // The router matches these paths too.
      for (const path of ["/metrics/", "//metrics", "/v1/metrics", "/%6detrics", "/metrics?a", "http://a/metrics"]) {
        expect([path, [404, 401].includes(yield* status(path))]).toEqual([path, true])
      }
      for (const path of ["/docs/", "//docs", "/v1/docs", "/openapi.json/"]) {
        expect([path, yield* status(path)]).toEqual([path, 404])
      }
      expect(yield* status("/health")).toBe(200)
    }))

  it.scopedLive("are compressed for clients that accept it", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const lengthOf = (...headers: ReadonlyArray<string>) =>
        Effect.map(exchange(url, "HEAD /docs", "Host: localhost", ...headers), ({ head }) => ({
          isGzip: head.includes("content-encoding: gzip"),
          length: Number(/content-length: (\d+)/.exec(head)?.[1]),
          vary: /vary: (\S+)/.exec(head)?.[1]
        }))
      const plain = yield* lengthOf()
      expect(plain).toMatchObject({ isGzip: false, vary: "accept-encoding" })
      for (const accepted of ["gzip", "br, gzip;q=0.5", "deflate,GZIP ; q=1"]) {
        const zipped = yield* lengthOf(`Accept-Encoding: ${accepted}`)
        expect([accepted, zipped]).toMatchObject([accepted, { isGzip: true, vary: "accept-encoding" }])
        expect(zipped.length).toBeLessThan(plain.length / 3)
      }
      for (const accepted of ["identity", "gzip;q=0", "br, gzip; q=0.0"]) {
        expect([accepted, yield* lengthOf(`Accept-Encoding: ${accepted}`)]).toEqual([accepted, plain])
      }
    }))
})
