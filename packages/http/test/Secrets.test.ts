import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import { DomainError } from "@effect-uploads/http/ErrorEnvelope"
import type { ApiError } from "@effect-uploads/http/ErrorMapping"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as PartData from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import { ServiceError } from "@effect-uploads/http/ServiceError"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Fs from "node:fs/promises"
import * as Http from "node:http"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Util from "node:util"
import { redacting } from "../src/internal/secrets.js"
import { tagOf } from "./support/errors.js"
import { loopback, url } from "./support/server.js"
import { recording } from "./support/telemetry.js"

/** With characters that JSON, URLs and HTML escape: keys of other services are often base64. */
const key = "sk-proj-\"Not\\A&Real<Key/7f3+Qz9_x81=="
const marker = "TheContentOfTheFileThatNobodyElseMayRead"
const content = new TextEncoder().encode(`{"prompt":"${marker}"}\n`)

// -----------------------------------------------------------------------------------------------------------------
// Searching
// -----------------------------------------------------------------------------------------------------------------

/** The spellings in which a secret may stand in a text: as it is, escaped, encoded, and as the bytes of a dump. */
const spellings = (secret: string): ReadonlyArray<string> => {
  const bytes = [...Buffer.from(secret)]
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"))
  return [
    secret,
    secret.replaceAll("/", "\\/"),
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/"),
    JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1),
    // `Util.inspect` escapes the backslash alone.
    secret.replaceAll("\\", "\\\\"),
    encodeURIComponent(secret),
    hex.join(""),
    // Dumps break lines: eight bytes are enough to tell.
    ...[hex, bytes.map(String)].flatMap((bytes) => [" ", ",", ", "].map((comma) => bytes.slice(0, 8).join(comma))),
    // Where it stands in a longer text, base64 has three ways to spell it, and its ends depend on what is around it.
    ...[0, 1, 2].map((offset) => Buffer.from("\0".repeat(offset) + secret).toString("base64").slice(4, -4))
  ]
}

const forbidden = [...spellings(key), ...spellings(marker)]

/** What is left of a text around each secret that was found in it. */
const leaks = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  texts.flatMap((text) =>
    forbidden.filter((spelling) => text.includes(spelling)).map((spelling) => {
      const at = text.indexOf(spelling)
      return text.slice(Math.max(0, at - 300), at + spelling.length + 20)
    })
  )

const attempt = (f: () => unknown): string => {
  try {
    return String(f())
  } catch (error) {
    return String(error)
  }
}

/** All that a program may print of a value. */
const printed = (value: unknown): ReadonlyArray<string> => [
  attempt(() => value),
  attempt(() => JSON.stringify(value)),
  Util.inspect(value, {
    depth: Infinity,
    showHidden: true,
    getters: true,
    maxArrayLength: Infinity,
    maxStringLength: Infinity,
    breakLength: Infinity
  }),
  Util.inspect(value, { depth: Infinity, customInspect: false, maxArrayLength: Infinity, breakLength: Infinity })
]

// -----------------------------------------------------------------------------------------------------------------
// Recording
// -----------------------------------------------------------------------------------------------------------------

const isApiError = Schema.is(
  Schema.Union(DomainError, ServiceError, PartData.PartUnreadable, PartData.PartLengthMismatch)
)
const encodeApiError = Schema.encodeSync(
  Schema.Union(DomainError, ServiceError, PartData.PartUnreadable, PartData.PartLengthMismatch)
)

/** Everything that anybody may see of what runs: spans, logs, errors. */
const witness = () => {
  const texts: Array<string> = []
  const { record, spans } = recording()

  const logger = Logger.make((options) => {
    texts.push(
      Logger.stringLogger.log(options),
      Logger.logfmtLogger.log(options),
      Logger.jsonLogger.log(options),
      JSON.stringify(Logger.structuredLogger.log(options)),
      Cause.pretty(options.cause, { renderErrorCause: true }),
      ...printed(options.message),
      ...printed([...options.annotations])
    )
  })

  const see = (value: unknown): void => {
    texts.push(...printed(value))
  }

  const seeCause = (cause: Cause.Cause<unknown>): void => {
    see(cause)
    texts.push(Cause.pretty(cause), Cause.pretty(cause, { renderErrorCause: true }))
    for (const error of Cause.prettyErrors(cause)) see(error)
    for (const error of Cause.failures(cause)) {
      see(error)
      if (isApiError(error)) see(encodeApiError(error))
    }
  }

  return {
    see,
    /** Runs an effect that fails or not, logs how it ends, and looks at it from all sides. */
    watch: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Exit.Exit<A, E>, never, R> =>
      effect.pipe(
        Effect.tapBoth({
          onFailure: (error) => Effect.logError("failed with", error),
          onSuccess: () => Effect.logTrace("succeeded")
        }),
        Effect.tapErrorCause((cause) => Effect.logFatal(cause)),
        Effect.exit,
        Effect.tap((exit) => {
          see(exit)
          if (Exit.isFailure(exit)) seeCause(exit.cause)
        })
      ),
    record: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      record(effect).pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
        Logger.withMinimumLogLevel(LogLevel.All)
      ),
    spans,
    /** The texts, those of the spans included. To be read when everything has ended. */
    texts: (): ReadonlyArray<string> => {
      for (const span of spans) {
        texts.push(span.name)
        for (const [name, value] of span.attributes) texts.push(name, ...printed(value))
        for (const [name, attributes] of span.events) texts.push(name, ...printed(attributes))
        see(span.links.map(({ attributes }) => attributes))
        if (span.status._tag === "Ended" && Exit.isFailure(span.status.exit)) {
          const { cause } = span.status.exit
          // The spans of the platform itself end with errors of the platform, which hold the request: of those a tracer
          // exports what it exports of any, name, message and stack.
          if (span.name.startsWith("http.")) {
            texts.push(...Cause.prettyErrors(cause).flatMap((error) => [error.message, String(error.stack)]))
          } else seeCause(cause)
        }
      }
      return texts
    }
  }
}

type Witness = ReturnType<typeof witness>

/** The routes over a service in memory, with the logging that a server would have. */
const serving = HttpApiBuilder.serve(HttpMiddleware.logger).pipe(
  Layer.provide(UploadsRoutes.layer),
  Layer.provide([UploadsMemory.layerMemory, FilesMemory.layerMemory]),
  Layer.provideMerge(loopback)
)

// -----------------------------------------------------------------------------------------------------------------
// Calls
// -----------------------------------------------------------------------------------------------------------------

type Both = UploadsService.UploadsService | FilesService.FilesService

const uploadId = UploadId.make("upload_1")
const fileId = FileId.make("file-1")
const request = {
  filename: "data.jsonl",
  purpose: "fine-tune" as const,
  bytes: content.byteLength,
  mimeType: "text/jsonl"
}

const uploads = <A, E>(f: (service: UploadsService.Service) => Effect.Effect<A, E>) =>
  Effect.flatMap(UploadsService.UploadsService, f)

const files = <A, E>(f: (service: FilesService.Service) => Effect.Effect<A, E>) =>
  Effect.flatMap(FilesService.FilesService, f)

const addPart = (data: PartData.PartData) => uploads((service) => service.addPart(uploadId, data))

/** For the client that sends a file by itself. */
const file = Path.join(Os.tmpdir(), `effect-uploads-${process.pid}.jsonl`)

beforeAll(() => Fs.writeFile(file, content))

afterAll(() => Fs.rm(file))

/** Every method, a part in every form. */
const calls: Readonly<Record<string, Effect.Effect<unknown, ApiError, Both>>> = {
  create: uploads((service) => service.create(request)),
  "addPart of bytes": addPart(content),
  "addPart of a Blob": addPart(new Blob([content])),
  "addPart of a stream": addPart(PartData.stream(Stream.make(content), { bytes: content.byteLength })),
  "addPart of a file": addPart(
    new PartData.PartFile({ path: file, offset: 0, bytes: content.byteLength, stream: Stream.make(content) })
  ),
  "addPart of an incoming stream": addPart(PartData.incoming(Stream.make(content))),
  complete: uploads((service) => service.complete(uploadId, { partIds: [] })),
  cancel: uploads((service) => service.cancel(uploadId)),
  retrieve: files((service) => service.retrieve(fileId)),
  content: files((service) => Stream.runDrain(service.content(fileId))),
  list: files((service) => Stream.runDrain(service.list())),
  delete: files((service) => service.delete(fileId))
}

const clientOptions: ClientOptions = { apiKey: Redacted.make(key), retryPolicy: RetryPolicy.none }

const clients = (
  options: ClientOptions,
  httpClient: Layer.Layer<HttpClient.HttpClient>
): Layer.Layer<Both> =>
  Layer.merge(UploadsClient.layer(options), FilesClient.layer(options)).pipe(Layer.provide(httpClient))

/** The services of a layer, as long as the test. */
const built = <A>(layer: Layer.Layer<A>): Effect.Effect<Context.Context<A>, never, Scope.Scope> => Layer.build(layer)

/** Runs every call and tells how each ended. */
const everyCall = (see: Witness, services: Layer.Layer<Both>) =>
  Effect.forEach(Object.entries(calls), ([name, call]) =>
    Effect.map(see.watch(call), (exit) =>
      [
        name,
        Exit.match(exit, {
          onSuccess: () => "success",
          onFailure: (cause) => tagOf(Cause.squash(cause))
        })
      ] as const)).pipe(Effect.provide(services), Effect.map((ends) => Object.fromEntries(ends)))

const allAre = (end: string) => Object.fromEntries(Object.keys(calls).map((name) => [name, end]))

// -----------------------------------------------------------------------------------------------------------------
// Services that misbehave
// -----------------------------------------------------------------------------------------------------------------

const listening = (server: Net.Server): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<string>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(
          typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "not a TCP address"
        ))
      })
    }),
    () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        if (server instanceof Http.Server) server.closeAllConnections()
      })
  )

/** A server that reads each request to its end, then responds. */
const respondingServer = (respond: (request: Http.IncomingMessage, response: Http.ServerResponse) => void) =>
  listening(Http.createServer((request, response) => {
    request.resume()
    request.on("end", () => respond(request, response))
  }))

/** A server whose responses have the `authorization` of the request in headers and in the body. */
const echoing = (status: number, contentType: string, body: (authorization: string) => string) =>
  respondingServer((request, response) => {
    const authorization = request.headers.authorization ?? "none"
    response.writeHead(status, {
      "content-type": contentType,
      "www-authenticate": `Bearer error="invalid_token", error_description="${authorization}"`,
      "x-echo-authorization": authorization,
      "x-request-id": authorization,
      "retry-after": authorization,
      "x-echo": encodeURIComponent(authorization),
      location: `/moved?by=${encodeURIComponent(authorization)}`
    })
    response.end(body(authorization))
  })

/** A server that echoes every byte, which is no HTTP response. */
const mirror = listening(Net.createServer((socket) => {
  socket.on("error", () => socket.destroy())
  socket.pipe(socket)
}))

/** A server that sends the beginning of a response, then disconnects. */
const disconnecting = (beginning: string) =>
  listening(Net.createServer((socket) => {
    socket.on("error", () => socket.destroy())
    socket.on("data", () => socket.end(beginning))
  }))

const closedPort = Effect.scoped(listening(Net.createServer()))

const envelope = (echo: string) =>
  JSON.stringify({ error: { message: `Incorrect API key provided: ${echo}`, type: echo, code: echo, param: echo } })

const escapedSlashes = (echo: string) => envelope(echo).replaceAll("/", "\\/")

const escapedAll = (echo: string) =>
  envelope("KEY").replaceAll(
    "KEY",
    [...echo].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}`).join("")
  )

const page = (echo: string) => `<html><body><h1>Error</h1><pre>authorization: ${echo}</pre></body></html>`

const echoes = [
  ["401, the envelope", 401, "application/json", envelope, "Unauthenticated"],
  ["401, the envelope with escaped slashes", 401, "application/json", escapedSlashes, "Unauthenticated"],
  ["401, the envelope with everything escaped", 401, "application/json", escapedAll, "Unauthenticated"],
  ["401, a page", 401, "text/html", page, "Unauthenticated"],
  ["403, the envelope", 403, "application/json", envelope, "PermissionDenied"],
  ["400, the envelope", 400, "application/json", envelope, undefined],
  ["400, a page", 400, "text/html", page, "ResponseMalformed"],
  ["404, the envelope", 404, "application/json", envelope, undefined],
  ["429, the envelope", 429, "application/json", envelope, "RateLimited"],
  ["503, a page", 503, "text/html", page, "ServiceUnavailable"],
  ["302, a page", 302, "text/html", page, "ResponseMalformed"],
  ["307, a page", 307, "text/html", page, "ResponseMalformed"],
  ["401, JSON within JSON", 401, "application/json", (echo: string) => envelope(envelope(echo)), "Unauthenticated"]
] as const

const malformed = [
  ["200, the envelope", "application/json", envelope],
  ["200, the envelope with escaped slashes", "application/json", escapedSlashes],
  ["200, a page", "text/html", page],
  ["200, a text", "text/plain", (echo: string) => echo],
  ["200, a string", "application/json", (echo: string) => JSON.stringify(echo)],
  [
    "200, an object with every field wrong",
    "application/json",
    (echo: string) => JSON.stringify({ id: 1, object: echo, status: echo, data: echo, deleted: echo, [echo]: echo })
  ]
] as const

// -----------------------------------------------------------------------------------------------------------------
// Tests
// -----------------------------------------------------------------------------------------------------------------

const httpClients = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  "NodeHttpClient": NodeHttpClient.layer,
  "NodeUploadsHttpClient": NodeUploadsHttpClient.layer
}

/** A test at whose end nothing that anybody may see has the key or the content. */
const secretTest = (
  title: string,
  body: (see: Witness) => Effect.Effect<void, unknown, Scope.Scope>
) =>
  it.effect(title, () => {
    const see = witness()
    return see.record(Effect.scoped(body(see))).pipe(
      Effect.tap(() => {
        expect(leaks(see.texts())).toEqual([])
      })
    )
  })

describe("a key that a service quotes is replaced", () => {
  const redact = redacting({ apiKey: Redacted.make(key) })
  const quoted: Record<string, (text: string) => string> = {
    "in upper case": (text) => text.toUpperCase(),
    "in lower case": (text) => text.toLowerCase(),
    "in hexadecimal": (text) => Buffer.from(text).toString("hex"),
    "encoded for a URL, in lower case": (text) => encodeURIComponent(text).toLowerCase(),
    "as JSON": (text) => JSON.stringify(text)
  }
  for (const [how, encode] of Object.entries(quoted)) {
    it(how, () => {
      const text = redact(encode(`Bearer ${key} is wrong`))
      expect(text).toContain("<redacted>")
      expect(text).not.toContain(encode(key).slice(1, -1))
    })
  }

  for (const base64 of ["base64", "base64url"] as const) {
    it(`in ${base64} at any place, with no character of it left`, () => {
      for (const before of ["", "a", "ab", "Bearer ", "user:", "{\"key\":\""]) {
        for (const after of ["", "a", "ab", "\"}", " is wrong"]) {
          const text = redact(`<${Buffer.from(before + key + after).toString(base64)}>`)
          expect(text).toContain("<redacted>")
          const left = text.slice(1, -1).replace("<redacted>", "")
          // What is left is of the text around the key.
          expect(left.length).toBeLessThanOrEqual(Buffer.from(before + after).toString("base64").length)
        }
      }
    })
  }

  it("and a text without it is left alone, in time that is linear", () => {
    const text = Buffer.from("the text of another".repeat(50_000)).toString("base64")
    expect(redact(text) === text).toBe(true)
    expect(redact(`sk-proj- ${key.slice(0, 8)}`)).toBe(`sk-proj- ${key.slice(0, 8)}`)
  })
})

describe("the search for secrets", () => {
  it("the search finds a secret in every printed form", () => {
    for (const secret of [key, marker]) {
      const values: ReadonlyArray<unknown> = [
        secret,
        new Error(`no ${secret}`),
        new Error("outer", { cause: new Error(secret) }),
        Object.assign(new Error("with a request"), { request: { headers: { authorization: `Bearer ${secret}` } } }),
        Object.defineProperty({}, "hidden", { value: secret }),
        { deep: { deep: { deep: { deep: [new Map([["key", secret]])] } } } },
        Buffer.from(secret),
        new TextEncoder().encode(secret),
        { data: Buffer.from(`xy${secret}z`).toString("base64") },
        { data: Buffer.from(`x${secret}`).toString("base64") },
        { data: Buffer.from(secret).toString("hex") },
        JSON.stringify({ secret }).replaceAll("/", "\\/")
      ]
      for (const value of values) expect(leaks(printed(value))).not.toEqual([])
    }
    expect(leaks(printed({ key: Redacted.make(key), content: "another" }))).toEqual([])
  })

  it.effect("the search finds a secret in logs, spans and errors", () => {
    const see = witness()
    return see.record(see.watch(Effect.void)).pipe(
      Effect.tap(() => {
        expect(leaks(see.texts())).toEqual([])
      }),
      Effect.zipRight(see.record(Effect.logTrace(key))),
      Effect.zipRight(see.record(Effect.withSpan(Effect.void, "span", { attributes: { marker } }))),
      Effect.tap(() => {
        const found = leaks(see.texts()).join()
        expect(found).toContain(key)
        expect(found).toContain(marker)
      })
    )
  })
})

for (const [name, httpClient] of Object.entries(httpClients)) {
  describe(`secrets with ${name}`, () => {
    const over = (apiUrl: string, options?: ClientOptions) =>
      clients({ ...clientOptions, apiUrl, ...options }, httpClient)

    secretTest(
      "every success and every error response of a service, on both sides",
      (see) =>
        Effect.gen(function*() {
          const apiUrl = yield* url
          const both = yield* built(over(apiUrl))
          const service = yield* Effect.provide(UploadsService.UploadsService, both)
          const stored = yield* Effect.provide(FilesService.FilesService, both)
          const upload = yield* service.create({ ...request, bytes: content.byteLength * 3 })
          const parts = yield* Effect.forEach(
            [content, new Blob([content]), PartData.stream(Stream.make(content), { bytes: content.byteLength })],
            (data) => service.addPart(upload.id, data)
          )
          yield* see.watch(service.addPart(upload.id, content))
          yield* see.watch(service.complete(upload.id, { partIds: [] }))
          yield* see.watch(service.complete(upload.id, { partIds: parts.map(({ id }) => id), md5: "0".repeat(32) }))
          const { file } = yield* service.complete(upload.id, { partIds: parts.map(({ id }) => id) })
          yield* see.watch(service.complete(upload.id, { partIds: [] }))
          yield* see.watch(service.cancel(upload.id))
          yield* see.watch(stored.retrieve(file.id))
          expect(yield* Stream.runCount(stored.content(file.id))).toBeGreaterThan(0)
          yield* see.watch(Stream.runDrain(stored.list()))
          yield* see.watch(Stream.runDrain(stored.list({ after: fileId })))
          yield* see.watch(stored.delete(file.id))
          expect(yield* everyCall(see, Layer.succeedContext(both))).toEqual({
            create: "success",
            "addPart of bytes": "UploadNotFound",
            "addPart of a Blob": "UploadNotFound",
            "addPart of a stream": "UploadNotFound",
            "addPart of a file": "UploadNotFound",
            "addPart of an incoming stream": "UploadNotFound",
            complete: "UploadNotFound",
            cancel: "UploadNotFound",
            retrieve: "FileNotFound",
            content: "FileNotFound",
            list: "success",
            delete: "FileNotFound"
          })
          expect(new Set(see.spans.map(({ name }) => name))).toEqual(
            new Set([
              ...["create", "addPart", "complete", "cancel"].map((method) => `UploadsService.${method}`),
              ...["retrieve", "content", "list", "delete"].map((method) => `FilesService.${method}`),
              ...["POST", "GET", "DELETE"].flatMap((method) => [`http.client ${method}`, `http.server ${method}`])
            ])
          )
        }).pipe(Effect.provide(serving))
    )

    secretTest("a source that breaks after some of its content was sent", (see) =>
      Effect.gen(function*() {
        const both = yield* built(over(yield* url))
        const broken = Effect.gen(function*() {
          const service = yield* UploadsService.UploadsService
          const upload = yield* service.create(request)
          const source = Stream.concat(Stream.make(content.subarray(0, -1)), Stream.fail("disk on fire"))
          return yield* service.addPart(upload.id, PartData.stream(source, { bytes: content.byteLength }))
        })
        const exit = yield* Effect.provide(see.watch(broken), both)
        expect(exit).toMatchObject({ cause: { error: { _tag: "PartUnreadable" } } })
      }).pipe(Effect.provide(serving)))

    secretTest("a part that is interrupted after some of its content was sent", (see) =>
      Effect.gen(function*() {
        const both = yield* built(over(yield* url))
        const sent = yield* Deferred.make<void>()
        const endless = Effect.gen(function*() {
          const service = yield* UploadsService.UploadsService
          const upload = yield* service.create(request)
          const source = Stream.concat(
            Stream.make(content.subarray(0, -1)),
            Stream.fromEffect(Effect.zipRight(Deferred.succeed(sent, undefined), Effect.never))
          )
          return yield* service.addPart(upload.id, PartData.stream(source, { bytes: content.byteLength }))
        })
        const fiber = yield* Effect.fork(Effect.provide(see.watch(endless), both))
        yield* Deferred.await(sent)
        see.see(yield* Fiber.interrupt(fiber))
      }).pipe(Effect.provide(serving)))

    for (const [what, status, contentType, body, expected] of echoes) {
      secretTest(`a service whose response contains the key: ${what}`, (see) =>
        Effect.gen(function*() {
          const ends = yield* everyCall(see, over(yield* echoing(status, contentType, body)))
          if (expected === undefined) expect(Object.values(ends)).not.toContain("success")
          else if (name === "fetch" && status < 400) {
            // `fetch` follows the redirects of a GET by itself, until it gives up.
            const failed = "TransportFailed"
            expect(ends).toEqual({ ...allAre(expected), retrieve: failed, content: failed, list: failed })
          } else expect(ends).toEqual(allAre(expected))
        }))
    }

    for (const [what, contentType, body] of malformed) {
      secretTest(`a service whose response contains the key: ${what}`, (see) =>
        Effect.gen(function*() {
          const ends = yield* everyCall(see, over(yield* echoing(200, contentType, body)))
          expect(ends).toEqual({ ...allAre("ResponseMalformed"), content: "success" })
        }))
    }

    secretTest("a port that is closed, with a retry", (see) =>
      Effect.gen(function*() {
        const ends = yield* everyCall(see, over(yield* closedPort, { retryPolicy: Schedule.recurs(1) }))
        expect(ends).toEqual(allAre("TransportFailed"))
      }))

    secretTest("a port that echoes every byte", (see) =>
      Effect.gen(function*() {
        expect(yield* everyCall(see, over(yield* mirror))).toEqual(allAre("TransportFailed"))
      }))

    secretTest("a service that disconnects before and within its response", (see) =>
      Effect.gen(function*() {
        expect(yield* everyCall(see, over(yield* disconnecting("")))).toEqual(allAre("TransportFailed"))
        const beginning = `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nx-key: ${key}\r\n\r\n{"key":"${key}"`
        expect(yield* everyCall(see, over(yield* disconnecting(beginning)))).toEqual(allAre("TransportFailed"))
        const broken = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${key}\r\n`
        expect(yield* everyCall(see, over(yield* disconnecting(broken)))).toEqual(allAre("TransportFailed"))
      }))

    secretTest("a service that never responds", (see) =>
      Effect.gen(function*() {
        for (const call of Object.values(calls)) {
          const arrived = yield* Deferred.make<void>()
          const apiUrl = yield* respondingServer(() => Deferred.unsafeDone(arrived, Exit.void))
          const fiber = yield* Effect.fork(Effect.provide(see.watch(call), over(apiUrl)))
          yield* Deferred.await(arrived)
          yield* TestClock.adjust("10 minutes")
          expect(yield* Fiber.join(fiber)).toMatchObject({ cause: { error: { _tag: "RequestTimeout" } } })
        }
      }))

    secretTest("a key that no header can carry", (see) =>
      Effect.gen(function*() {
        const apiUrl = yield* echoing(200, "text/plain", (echo) => echo)
        for (const bad of [`${key}\n`, `${key}\r\nx-other: 1`, `${key}é`, `${key}☃`, `${key}\0`, ` ${key}`]) {
          for (const option of ["apiKey", "organizationId", "projectId"]) {
            const ends = yield* everyCall(see, over(apiUrl, { apiKey: undefined, [option]: Redacted.make(bad) }))
            expect(ends).toEqual(allAre("InvalidRequest"))
          }
        }
      }))

    secretTest("a URL that is none, or has another scheme", (see) =>
      Effect.gen(function*() {
        expect(yield* everyCall(see, over("not a url"))).toEqual(allAre("InvalidRequest"))
        expect(yield* everyCall(see, over("ftp://127.0.0.1"))).toEqual(allAre("InvalidRequest"))
      }))

    secretTest("a client that turns statuses into failures", (see) =>
      Effect.gen(function*() {
        const apiUrl = yield* echoing(401, "application/json", envelope)
        const ends = yield* everyCall(see, over(apiUrl, { transformClient: HttpClient.filterStatusOk }))
        expect(ends).toEqual(allAre("Unauthenticated"))
      }))
  })
}

describe("secrets when the client disconnects within a part", () => {
  secretTest("the server's own spans, logs and errors", (see) =>
    Effect.gen(function*() {
      const called = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const watched = Layer.effect(
        UploadsService.UploadsService,
        Effect.map(UploadsService.UploadsService, (service) => ({
          ...service,
          addPart: (id: UploadId, data: PartData.PartData) =>
            Deferred.succeed(called, undefined).pipe(
              // A service that is not interrupted reads on, and hears that the body is broken.
              Effect.zipRight(Effect.uninterruptible(service.addPart(id, data))),
              Effect.onExit((exit) => Deferred.succeed(ended, exit))
            )
        }))
      )
      const layer = HttpApiBuilder.serve(HttpMiddleware.logger).pipe(
        Layer.provide(UploadsRoutes.layer),
        Layer.provide([watched, FilesMemory.layerMemory]),
        Layer.provideMerge(Layer.merge(UploadsMemory.layerMemory, loopback))
      )
      yield* Effect.gen(function*() {
        const upload = yield* uploads((service) => service.create(request))
        const { hostname, port } = new URL(yield* url)
        const socket = Net.connect(Number(port), hostname)
        socket.on("error", () => socket.destroy())
        socket.write(
          `POST /uploads/${upload.id}/parts HTTP/1.1\r\nhost: test\r\nauthorization: Bearer ${key}\r\n` +
            "content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000\r\n\r\n" +
            `--b\r\ncontent-disposition: form-data; name="data"; filename="data"\r\n\r\n${marker}`
        )
        yield* Deferred.await(called)
        socket.destroy()
        const exit = yield* Deferred.await(ended)
        expect(Exit.isFailure(exit) ? tagOf(Cause.squash(exit.cause)) : exit).toBe("PartUnreadable")
        yield* see.watch(exit)
      }).pipe(Effect.provide(layer))
    }))
})

describe("secrets in layers and contexts", () => {
  secretTest("options, layers, services and a failed configuration", (see) =>
    Effect.gen(function*() {
      const apiUrl = yield* closedPort
      const options = { ...clientOptions, apiUrl }
      see.see(options)
      see.see(options.apiKey)
      see.see(UploadsClient.layer(options))
      see.see(FilesClient.layer(options))
      see.see(yield* Effect.context<never>())
      const configured = Layer.merge(UploadsClient.layerConfig(), FilesClient.layerConfig()).pipe(
        Layer.provide(FetchHttpClient.layer)
      )
      const provided = (entries: ReadonlyArray<readonly [string, string]>) =>
        Layer.build(configured).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map(entries))))
      const context = yield* provided([["OPENAI_API_KEY", key], ["OPENAI_BASE_URL", apiUrl]])
      see.see(context)
      see.see([...context.unsafeMap.values()])
      const failed = yield* see.watch(provided([["OPENAI_PROJECT_ID", key], ["OPENAI_ORG_ID", key]]))
      expect(Exit.isFailure(failed)).toBe(true)
    }))
})
