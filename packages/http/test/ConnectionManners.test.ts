import * as FilesClient from "@effect-uploads/http/FilesClient"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Command from "@effect/platform/Command"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import * as Http from "node:http"
import * as Https from "node:https"
import * as Net from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { inspect } from "node:util"
import { EnvHttpProxyAgent } from "undici"
import { httpClients, listening, turns } from "./support/services.js"
import { fileId, fileJson, uploadId, uploadJson } from "./support/stub.js"

/*
 * How the clients treat connections: what a service may do with one, and what is left of it.
 */

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1")
)

const upload = uploadJson("pending")

const create = Effect.flatMap(
  UploadsService,
  (uploads) => uploads.create({ filename: "a.jsonl", bytes: 10, purpose: "batch", mimeType: "text/jsonl" })
)
const retrieve = Effect.flatMap(FilesService, (files) => files.retrieve(fileId))
const addPart = (bytes: number) =>
  Effect.flatMap(UploadsService, (uploads) => uploads.addPart(uploadId, new Uint8Array(bytes)))
const content = Stream.unwrap(Effect.map(FilesService, (files) => files.content(fileId)))

const calls: Record<string, Effect.Effect<unknown, unknown, UploadsService | FilesService>> = {
  create,
  part: addPart(5_000_000),
  download: Stream.runDrain(content)
}

const clients = (
  apiUrl: string,
  httpClient: Layer.Layer<HttpClient.HttpClient> = NodeUploadsHttpClient.layer,
  attemptTimeout: Duration.DurationInput = "10 seconds"
) => {
  const options = { apiUrl, attemptTimeout, retryPolicy: RetryPolicy.none }
  return Layer.merge(UploadsClient.layer(options), FilesClient.layer(options)).pipe(Layer.provide(httpClient))
}

/** A response with its body as text. */
const response = (body: string, head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n") =>
  `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** A server of bytes, and the connections that are open. `respond` is called for each request that arrived in one piece. */
const serveSockets = (respond: (socket: Net.Socket, request: string) => void) =>
  Effect.gen(function*() {
    const sockets = new Set<Net.Socket>()
    let connections = 0
    const server = Net.createServer((socket) => {
      connections++
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
      socket.on("error", () => {})
      socket.on("data", (request) => respond(socket, request.toString("latin1")))
    })
    const url = yield* listening(server)
    yield* Effect.addFinalizer(() => Effect.sync(() => sockets.forEach((socket) => socket.destroy())))
    /** The connections that are open after so many turns of the event loop at most, or none. */
    const open = Effect.async<number>((resume) => {
      let turns = 0
      const check = () =>
        sockets.size === 0 || ++turns > 5000 ? resume(Effect.succeed(sockets.size)) : setImmediate(check)
      check()
    })
    return { url, open, connections: () => connections }
  })

for (const [name, httpClient] of Object.entries(httpClients)) {
  const isUndici = name === "fetch" || name === "undici"

  describe(`informational responses with ${name}`, () => {
    it.scopedLive(`100 Continue that was not requested ${isUndici ? "fails the call" : "is skipped"}`, () =>
      Effect.gen(function*() {
        const { url } = yield* serveSockets((socket) =>
          socket.write(`HTTP/1.1 100 Continue\r\n\r\n${response(upload)}`)
        )
        const created = yield* Effect.either(Effect.provide(create, clients(url, httpClient)))
        expect(created).toMatchObject(isUndici ? { left: { _tag: "TransportFailed" } } : { right: { id: uploadId } })
      }))

    it.scopedLive("103 Early Hints are skipped", () =>
      Effect.gen(function*() {
        const { url } = yield* serveSockets((socket) =>
          socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${response(upload)}`)
        )
        expect((yield* Effect.provide(create, clients(url, httpClient))).id).toBe(uploadId)
      }))
  })

  describe(`an early error response with ${name}`, () => {
    it.scopedLive(`is ${name === "NodeHttpClient" ? "lost" : "received"} when the service closes the connection`, () =>
      Effect.gen(function*() {
        const error = JSON.stringify({ error: { message: "no", type: "t", code: null, param: null } })
        const { url } = yield* serveSockets((socket) => {
          socket.write(response(error, "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n"), () => socket.destroy())
        })
        const tags = yield* Effect.replicateEffect(Effect.flip(addPart(20_000_000)), 8).pipe(
          Effect.map((errors) => errors.map(({ _tag }) => _tag)),
          Effect.provide(clients(url, httpClient))
        )
        if (name === "NodeHttpClient") expect(tags).toContain("TransportFailed")
        else expect(tags).toEqual(Array(8).fill("Unauthenticated"))
      }))
  })

  describe(`interruption with ${name}`, () => {
    for (const [what, call] of Object.entries(calls)) {
      it.scopedLive(`of a ${what} closes its connection`, () =>
        Effect.gen(function*() {
          const arrived = yield* Effect.makeLatch()
          const { open, url } = yield* serveSockets((socket, request) => {
            if (request.startsWith("GET")) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegin")
            arrived.unsafeOpen()
          })
          yield* Effect.gen(function*() {
            const fiber = yield* Effect.fork(call)
            yield* arrived.await
            yield* Fiber.interrupt(fiber)
            expect(yield* open).toBe(0)
          }).pipe(Effect.provide(clients(url, httpClient)))
        }))
    }
  })
}

describe("NodeUploadsHttpClient", () => {
  it.scopedLive("sends again, at once, what met a connection that the service had closed", () =>
    Effect.gen(function*() {
      // The service closes each connection after its first response, and does not say so.
      const { connections, url } = yield* serveSockets((socket, request) => {
        socket.end(response(request.startsWith("GET") ? fileJson : upload))
      })
      const calls = Effect.all([create, retrieve, create, retrieve])
      const rounds = Effect.replicateEffect(calls, 10, { discard: true })
      yield* Effect.provide(rounds, clients(url))
      expect(connections()).toBeGreaterThanOrEqual(40)
    }))

  it.scopedLive("does not send a POST again that has no idempotency key", () =>
    Effect.gen(function*() {
      let received = 0
      const { url } = yield* serveSockets((socket) => {
        received++
        if (received === 1) socket.write(response(upload))
        else socket.destroy()
      })
      const client = yield* HttpClient.HttpClient
      const post = client.execute(HttpClientRequest.post(url))
      expect((yield* post).status).toBe(200)
      expect(yield* Effect.flip(post)).toMatchObject({ reason: "Transport" })
      expect(received).toBe(2)
    }).pipe(Effect.provide(NodeUploadsHttpClient.layer)))

  it.scopedLive("sends one request at a time on a connection, and uses it again", () =>
    Effect.gen(function*() {
      const waiting = new Set<Net.Socket>()
      let pipelined = 0
      const { connections, url } = yield* serveSockets((socket) => {
        if (waiting.has(socket)) pipelined++
        waiting.add(socket)
        setImmediate(() => {
          waiting.delete(socket)
          socket.write(response(fileJson))
        })
      })
      yield* Effect.provide(
        Effect.replicateEffect(retrieve, 200, { concurrency: 16, discard: true }),
        clients(url)
      )
      expect(pipelined).toBe(0)
      expect(connections()).toBe(16)
    }))

  it.scopedLive("leaves no listener behind on a connection that is used often", () =>
    Effect.gen(function*() {
      const warnings: Array<Error> = []
      const onWarning = (warning: Error) => warnings.push(warning)
      process.on("warning", onWarning)
      yield* Effect.addFinalizer(() => Effect.sync(() => process.off("warning", onWarning)))
      const { connections, open, url } = yield* serveSockets((socket, request) => {
        socket.write(response(request.startsWith("GET") ? fileJson : upload))
      })
      yield* Effect.provide(Effect.replicateEffect(Effect.all([create, retrieve]), 30, { discard: true }), clients(url))
      expect(connections()).toBe(1)
      expect(yield* open).toBe(0)
      expect(warnings).toEqual([])
    }))

  for (const head of ["connection: close\r\n", "transfer-encoding: chunked\r\n"]) {
    it.scopedLive(`a slow reader gets a download without Content-Length, ${head.trim()}`, () =>
      Effect.gen(function*() {
        const bytes = 1_500_000
        const { url } = yield* serveSockets((socket) => {
          socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n`)
          if (head.startsWith("transfer")) {
            for (let sent = 0; sent < bytes; sent += 100_000) {
              socket.write(`${(100_000).toString(16)}\r\n`)
              socket.write(new Uint8Array(100_000))
              socket.write("\r\n")
            }
            socket.end("0\r\n\r\n")
          } else socket.end(new Uint8Array(bytes))
        })
        const slow = Stream.runFoldEffect(
          content,
          0,
          (read, chunk) => Effect.as(read === 0 ? turns(1000) : Effect.void, read + chunk.byteLength)
        )
        expect(yield* Effect.provide(slow, clients(url))).toBe(bytes)
      }))
  }

  for (const traced of [true, false]) {
    it.scopedLive(`closes the connection of a response that nobody reads, ${traced ? "with" : "without"} a span`, () =>
      Effect.gen(function*() {
        const { open, url } = yield* serveSockets((socket) => {
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nbegin")
        })
        const client = HttpClient.withScope(yield* HttpClient.HttpClient)
        const { status } = yield* Effect.scoped(client.get(url)).pipe(
          Effect.locally(HttpClient.currentTracerDisabledWhen, () => !traced)
        )
        expect(status).toBe(200)
        expect(yield* open).toBe(0)
      }).pipe(Effect.provide(NodeUploadsHttpClient.layer)))

    it.scopedLive(`sends ${traced ? "the" : "no"} headers of a trace ${traced ? "with" : "without"} a span`, () =>
      Effect.gen(function*() {
        const { url } = yield* serveSockets((socket, request) => socket.write(response(request)))
        const client = yield* HttpClient.HttpClient
        const sent = yield* Effect.flatMap(client.get(url), ({ text }) => text).pipe(
          Effect.locally(HttpClient.currentTracerDisabledWhen, () => !traced)
        )
        expect(/^traceparent: /im.test(sent)).toBe(traced)
      }).pipe(Effect.provide(NodeUploadsHttpClient.layer)))
  }

  it.scopedLive("rejects a URL that is none, and headers that cannot be sent", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const get = (url: string, headers: Record<string, string> = {}) =>
        Effect.flip(client.get(url, { headers })).pipe(
          Effect.locally(HttpClient.currentTracerDisabledWhen, () => true)
        )
      expect(yield* get("http://")).toMatchObject({ _tag: "RequestError", reason: "InvalidUrl" })
      expect(yield* get("http://127.0.0.1", { a: "b\n" })).toMatchObject({ _tag: "RequestError", reason: "Transport" })
    }).pipe(Effect.provide(NodeUploadsHttpClient.layer)))

  it.scopedLive("sends the user and the password of a URL", () =>
    Effect.gen(function*() {
      const { url } = yield* serveSockets((socket, request) => socket.write(response(request)))
      const client = yield* HttpClient.HttpClient
      const sent = yield* Effect.flatMap(client.get(url.replace("http://", "http://us%40er:pass@")), ({ text }) => text)
      expect(sent).toContain(`Authorization: Basic ${btoa("us@er:pass")}`)
    }).pipe(Effect.provide(NodeUploadsHttpClient.layer)))

  it.scopedLive.skipIf(!hasIpv6)("reaches an address of IPv6", () =>
    Effect.gen(function*() {
      const server = Net.createServer((socket) => socket.on("data", () => socket.end(response("six"))))
      const url = (yield* listening(server, "::1")).replace("127.0.0.1", "[::1]")
      const client = yield* HttpClient.HttpClient
      expect(yield* Effect.flatMap(client.get(url), ({ text }) => text)).toBe("six")
    }).pipe(Effect.provide(NodeUploadsHttpClient.layer)))

  it.scopedLive("a download that ends too early is an error", () =>
    Effect.gen(function*() {
      for (const body of ["content-length: 100\r\n\r\nbegin", "transfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n"]) {
        const { url } = yield* serveSockets((socket) => socket.end(`HTTP/1.1 200 OK\r\n${body}`))
        expect(yield* Effect.flip(Effect.provide(Stream.runDrain(content), clients(url)))).toMatchObject({
          _tag: "TransportFailed"
        })
      }
    }))

  it.scopedLive("sends each form of body", () =>
    Effect.gen(function*() {
      const server = Http.createServer((request, response) => {
        response.writeHead(200, { "x-type": request.headers["content-type"] ?? "none" })
        request.pipe(response)
      })
      const url = yield* listening(server)
      const client = yield* HttpClient.HttpClient
      const echo = (body: HttpBody.HttpBody) =>
        Effect.flatMap(
          client.execute(HttpClientRequest.setBody(HttpClientRequest.post(url), body)),
          ({ headers, text }) => Effect.map(text, (text) => [headers["x-type"], text])
        )
      const form = new FormData()
      form.append("a", "b")
      const bytes = new TextEncoder().encode("bytes")
      expect(yield* echo(HttpBody.empty)).toEqual(["none", ""])
      expect(yield* echo(HttpBody.text("text"))).toEqual(["text/plain", "text"])
      expect(yield* echo(HttpBody.raw("raw"))).toEqual(["none", "raw"])
      expect(yield* echo(HttpBody.raw(new Blob(["blob"])))).toEqual(["none", "blob"])
      expect(yield* echo(HttpBody.raw(new Blob(["web"]).stream()))).toEqual(["none", "web"])
      expect(yield* echo(HttpBody.stream(Stream.make(bytes, bytes)))).toEqual([
        "application/octet-stream",
        "bytesbytes"
      ])
      expect(yield* echo(HttpBody.formData(form))).toEqual([
        expect.stringMatching(/^multipart\/form-data; boundary=/),
        expect.stringContaining("name=\"a\"\r\n\r\nb\r\n")
      ])
      expect(yield* Effect.flip(echo(HttpBody.raw(Symbol.iterator)))).toMatchObject({ reason: "Encode" })
    }).pipe(Effect.provide(NodeUploadsHttpClient.layer)))

  /** A certificate for `localhost` that signs itself. */
  const certificate = Effect.gen(function*() {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-uploads-"))),
      (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
    )
    const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")]
    yield* run([
      "openssl",
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
      ...["-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    ])
    return { cert, options: { key: readFileSync(key), cert: readFileSync(cert) } }
  })

  it.scopedLive("trusts the certificates that Node trusts, and those of NODE_EXTRA_CA_CERTS", () =>
    Effect.gen(function*() {
      const { cert, options } = yield* certificate
      const server = Https.createServer(options, (_, response) => response.end(fileJson))
      const url = (yield* listening(server)).replace("http://127.0.0.1", "https://localhost")
      yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
      expect(yield* Effect.flip(Effect.provide(retrieve, clients(url)))).toMatchObject({
        _tag: "TransportFailed",
        reason: expect.stringContaining("self-signed certificate")
      })
      expect(
        yield* run([process.execPath, "--import", "tsx", tlsChild, url], { NODE_EXTRA_CA_CERTS: cert })
      ).toBe("file-1")
    }))
})

describe("a proxy", () => {
  it.scopedLive("is used by layerUndiciWithoutDispatcher with undici's EnvHttpProxyAgent", () =>
    Effect.gen(function*() {
      const { url } = yield* serveSockets((socket) => socket.write(response(upload)))
      const targets: Array<string | undefined> = []
      const proxy = Http.createServer()
      proxy.on("connect", (request, socket) => {
        targets.push(request.url)
        const service = Net.connect(Number(new URL(url).port), "127.0.0.1", () => {
          socket.write("HTTP/1.1 200 OK\r\n\r\n")
          service.pipe(socket)
          socket.pipe(service)
        })
        service.on("error", () => socket.destroy())
        socket.on("error", () => service.destroy())
      })
      const httpProxy = yield* listening(proxy)
      const dispatcher = Layer.scoped(
        NodeHttpClient.Dispatcher,
        Effect.acquireRelease(
          Effect.sync(() => new EnvHttpProxyAgent({ httpProxy, noProxy: "" })),
          (agent) => Effect.promise(() => agent.destroy())
        )
      )
      const httpClient = Layer.provide(NodeHttpClient.layerUndiciWithoutDispatcher, dispatcher)
      expect((yield* Effect.provide(create, clients(url, httpClient))).id).toBe(uploadId)
      expect(targets).toEqual([new URL(url).host])
    }))
})

const tlsChild = fileURLToPath(new URL("./support/tlsChild.ts", import.meta.url))

/** The output of a command. */
const run = ([command, ...args]: readonly [string, ...ReadonlyArray<string>], env: Record<string, string> = {}) =>
  Command.string(Command.env(Command.make(command, ...args), env)).pipe(Effect.provide(NodeContext.layer))

/** Responses that are not as they should be. The connection stays open after each. */
const faults: Record<string, string> = {
  "a status line that is none": "HTTQ/1.1 200 OK\r\n\r\n",
  "a header without a name": "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
  "a length that is no number": "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n{}",
  "two lengths": "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
  "a chunk whose size is no number": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
  "headers of 200 kB": `HTTP/1.1 200 OK\r\nx: ${"x".repeat(200_000)}\r\n\r\n`,
  "a body that is cut off": "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
  "a chunk that is cut off": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",
  "a status line that is cut off": "HTTP/1.1 2",
  "no response": "",
  "another response after its own": `${response(fileJson)}${response(fileJson)}`,
  "an error without an envelope": response("no", "HTTP/1.1 500 Internal Server Error\r\n"),
  "an endless error": `HTTP/1.1 500 Internal Server Error\r\n\r\n${"x".repeat(100_000)}`
}

describe("a password in apiUrl", () => {
  it.scopedLive.each(Object.entries(httpClients))(
    "is in no error with %s",
    ([_, httpClient]) =>
      Effect.gen(function*() {
        const { url } = yield* serveSockets((socket) => socket.destroy())
        for (const apiUrl of [url.replace("//", "//user:a-passw0rd@"), "http://user:a-passw0rd@/v1?q"]) {
          const error = yield* Effect.flip(Effect.provide(create, clients(apiUrl, httpClient)))
          expect(inspect(error, { depth: 9 })).not.toContain("a-passw0rd")
        }
      })
  )
})

describe("sockets after faulty responses", () => {
  // The connections of fetch belong to the process. Its agent closed all of them after 4 seconds without a request.
  const { fetch: _, ...owners } = httpClients
  for (const [name, httpClient] of Object.entries(owners)) {
    it.scopedLive(`${name} leaves none open when its layer is closed`, () =>
      Effect.gen(function*() {
        const kinds = Object.values(faults)
        let requests = 0
        const { connections, open, url } = yield* serveSockets((socket, request) => {
          if (/^(GET|POST) /.test(request)) socket.write(kinds[requests++ % kinds.length] ?? "")
        })
        yield* Effect.replicateEffect(
          Effect.all([Effect.exit(retrieve), Effect.exit(Stream.runDrain(content)), Effect.exit(create)]),
          kinds.length * 2,
          { concurrency: 8, discard: true }
        ).pipe(Effect.provide(clients(url, httpClient, "200 millis")))
        expect(connections()).toBeGreaterThan(kinds.length)
        expect(yield* open).toBe(0)
      }))
  }
})

describe("a download with a slow reader", () => {
  const chunk = new Uint8Array(65_536)
  const chunks = 8

  /** The chunks that were taken from the connection while the reader still had the first one. */
  const takenAhead = (source: object) =>
    Effect.gen(function*() {
      let taken = 0
      const stream = Stream.range(1, chunks).pipe(
        Stream.rechunk(1),
        Stream.map(() => {
          taken++
          return chunk
        })
      )
      const http = HttpClient.make((request) => {
        const headers = { "content-length": String(chunks * chunk.byteLength) }
        const fetched = HttpClientResponse.fromWeb(request, new Response("", { headers }))
        const response: HttpClientResponse.HttpClientResponse = Object.create(fetched, {
          headers: { value: fetched.headers },
          status: { value: 200 },
          source: { value: source },
          stream: { value: stream }
        })
        return Effect.succeed(response)
      })
      return yield* content.pipe(
        Stream.mapEffect(() => Effect.map(turns(50), () => taken)),
        Stream.runHead,
        Effect.flatten,
        Effect.provide(clients("http://127.0.0.1:1/v1", Layer.succeed(HttpClient.HttpClient, http)))
      )
    })

  it.live("is read ahead at its end where undici may hold it, and not where node:http does", () =>
    Effect.gen(function*() {
      expect(yield* takenAhead(new Response("x"))).toBe(chunks)
      expect(yield* takenAhead({ statusCode: 200, body: {} })).toBe(chunks)
      expect(yield* takenAhead({ httpVersion: "1.1" })).toBeLessThanOrEqual(2)
    }))
})
