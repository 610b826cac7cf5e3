import { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import { UploadId } from "@effect-uploads/domain/Ids"
import * as UploadError from "@effect-uploads/domain/UploadError"
import { documented, UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { MaximumFileBytes } from "@effect-uploads/http/CreateFile"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import { PartLengthMismatch } from "@effect-uploads/http/PartData"
import * as ServiceError from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import { afterAll, beforeAll, describe, expect, it, vi } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pattern } from "./support/contract.js"
import { hop, loopback, memory, served, url } from "./support/server.js"

/** The temporary directory of these tests: what is in it was left behind. */
const temporary = mkdtempSync(join(tmpdir(), "create-file-"))

const leftBehind = Effect.sync(() => readdirSync(temporary))

beforeAll(() => {
  vi.stubEnv("TMPDIR", temporary)
})

afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(temporary, { recursive: true })
})

const limits = Layer.merge(
  Layer.succeed(UploadLimits, { ...documented, partBytes: ByteSize.make(1000) }),
  Layer.succeed(MaximumFileBytes, ByteSize.make(10_000))
)

const services = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

interface Routes {
  /** A form in these chunks. */
  readonly post: (chunks: Iterable<Uint8Array>, contentType?: string) => Effect.Effect<Answer>
  /** The request of the only Upload that was created. */
  readonly created: Effect.Effect<CreateUpload>
  /** The bytes of the File that was answered. */
  readonly content: (answer: Answer) => Effect.Effect<Buffer>
  readonly statuses: Effect.Effect<ReadonlyArray<string>>
}

const idOf = (answer: Answer): string =>
  typeof answer.body === "object" && answer.body !== null && "id" in answer.body ? String(answer.body.id) : ""

const boundary = "b0undary"

const formData = `multipart/form-data; boundary=${boundary}`

const each = function*<A>(all: Iterable<A>) {
  yield* all
}

/** The routes without a socket, so that a body arrives in the chunks that the test says. */
const withRoutes = <A, E>(use: (routes: Routes) => Effect.Effect<A, E, UploadsMemory.UploadsServiceTest>) =>
  Effect.gen(function*() {
    const requests: Array<CreateUpload> = []
    const recording = Layer.effect(
      UploadsService.UploadsService,
      Effect.map(UploadsService.UploadsService, (service) => ({
        ...service,
        create: (request: CreateUpload) =>
          Effect.zipRight(Effect.sync(() => requests.push(request)), service.create(request))
      }))
    )
    return yield* Effect.gen(function*() {
      const app = yield* HttpApiBuilder.httpApp
      const handler = HttpApp.toWebHandlerRuntime(yield* Effect.runtime<HttpRouter.HttpRouter.DefaultServices>())(app)
      const handle = yield* UploadsMemory.UploadsServiceTest
      const send = (path: string, init: object) =>
        Effect.promise(() => handler(new Request(`http://127.0.0.1/files${path}`, init)))
      const answered = yield* use({
        post: (chunks, contentType = formData) =>
          Effect.gen(function*() {
            const body = Stream.toReadableStream(Stream.fromIteratorSucceed(each(chunks), 1))
            const headers = { "content-type": contentType }
            const response = yield* send("", { method: "POST", headers, body, duplex: "half" })
            return {
              status: response.status,
              headers: response.headers,
              body: yield* Effect.promise(() => response.json())
            }
          }),
        created: Effect.suspend(() =>
          requests[0] === undefined || requests.length > 1
            ? Effect.dieMessage(`${requests.length} Uploads were created`)
            : Effect.succeed(requests[0])
        ),
        content: (answer) =>
          Effect.flatMap(
            send(`/${idOf(answer)}/content`, {}),
            (response) => Effect.promise(async () => Buffer.from(await response.arrayBuffer()))
          ),
        statuses: Effect.map(handle.uploads, (uploads) => uploads.map(({ status }) => status))
      })
      expect(yield* leftBehind).toEqual([])
      return answered
    }).pipe(
      Effect.provide(
        Layer.mergeAll(
          Layer.provide(UploadsRoutes.layer, limits),
          HttpApiBuilder.Router.Live,
          HttpApiBuilder.Middleware.layer,
          NodeHttpServer.layerContext
        ).pipe(Layer.provideMerge(recording), Layer.provideMerge(services), Layer.provide(limits))
      )
    )
  })

interface Field {
  readonly headers: ReadonlyArray<string>
  readonly content: Uint8Array | string
}

const text = (name: string, content: string, ...headers: ReadonlyArray<string>): Field => ({
  headers: [`Content-Disposition: form-data; name="${name}"`, ...headers],
  content
})

/** As `curl -F file=@data.bin` writes it. */
const fileField = (content: Uint8Array | string, filename = "data.bin", ...headers: ReadonlyArray<string>): Field => ({
  headers: [`Content-Disposition: form-data; name="file"; filename="${filename}"`, ...headers],
  content
})

const purpose = text("purpose", "user_data")

const expiresAfter = [text("expires_after[anchor]", "created_at"), text("expires_after[seconds]", "7200")]

const begin = (fields: ReadonlyArray<Field>): Uint8Array =>
  Buffer.concat(fields.flatMap(({ content, headers }, index) => [
    Buffer.from(`${index === 0 ? "" : "\r\n"}--${boundary}\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`),
    Buffer.from(content)
  ]))

const form = (...fields: ReadonlyArray<Field>): Uint8Array =>
  Buffer.concat([begin(fields), Buffer.from(`\r\n--${boundary}--\r\n`)])

const data = pattern(2500)

describe("a file that is sent as a whole", () => {
  it.effect("becomes a File by way of an Upload, in parts that are small enough", () =>
    withRoutes(({ content, post, statuses }) =>
      Effect.gen(function*() {
        const handle = yield* UploadsMemory.UploadsServiceTest
        const answer = yield* post([form(fileField(data), purpose)])
        expect(answer).toMatchObject({
          status: 200,
          body: { object: "file", bytes: 2500, filename: "data.bin", purpose: "user_data", status: "processed" }
        })
        expect((yield* content(answer)).equals(data)).toBe(true)
        expect(yield* handle.calls("addPart")).toBe(3)
        expect(yield* statuses).toEqual(["completed"])
      })
    ))

  it.effect("may be empty", () =>
    withRoutes(({ content, post }) =>
      Effect.gen(function*() {
        const answer = yield* post([form(purpose, fileField(""))])
        expect(answer).toMatchObject({ status: 200, body: { bytes: 0 } })
        expect(yield* content(answer)).toHaveLength(0)
      })
    ))

  const orders: Record<string, ReadonlyArray<Field>> = {
    "first": [fileField(data), purpose, ...expiresAfter],
    "last": [purpose, ...expiresAfter, fileField(data)],
    "in between, beside fields that nobody knows": [
      expiresAfter[1] ?? purpose,
      text("model", "x".repeat(5000)),
      fileField(data),
      purpose,
      expiresAfter[0] ?? purpose
    ]
  }
  for (const [order, fields] of Object.entries(orders)) {
    it.effect(`stands ${order}, whole and in chunks of a byte`, () =>
      withRoutes(({ content, post }) =>
        Effect.gen(function*() {
          const body = form(...fields)
          for (const chunks of [[body], Array.from(body, (byte) => Uint8Array.of(byte))]) {
            const answer = yield* post(chunks)
            expect(answer).toMatchObject({ status: 200, body: { expires_at: 7200, purpose: "user_data" } })
            expect((yield* content(answer)).equals(data)).toBe(true)
          }
        })
      ))
  }

  it.effect("may be in base64, and so may the other fields", () =>
    withRoutes(({ content, post }) =>
      Effect.gen(function*() {
        const base64 = "Content-Transfer-Encoding: base64"
        const answer = yield* post([form(
          fileField(Buffer.from(data).toString("base64"), "data.bin", base64),
          text("purpose", "dXNlcl9kYXRh", base64)
        )])
        expect(answer).toMatchObject({ status: 200, body: { bytes: 2500, purpose: "user_data" } })
        expect((yield* content(answer)).equals(data)).toBe(true)
      })
    ))

  describe("has the name of its Content-Disposition", () => {
    const names: Record<string, string> = {
      "filename=data.bin": "data.bin",
      "filename=\"a;b=c.bin\"": "a;b=c.bin",
      "filename=\"../../etc/passwd\"": "../../etc/passwd",
      // As it is written by browsers and by Python.
      "filename=\"C:\\data\\x.bin\"": "C:\\data\\x.bin",
      "filename=\"C:\\\\data\"": "C:\\data",
      "filename=\"a \\\"b\\\".bin\"": "a \"b\".bin",
      "filename=\"a %22b%22%0d%0A%25.bin\"": "a \"b\"\r\n%25.bin",
      "filename=\"Отчёт 📄\u202E\0.bin\"": "Отчёт 📄\u202E\0.bin",
      "filename=\"_.bin\"; filename*=UTF-8''%D0%9E%22.bin": "О\".bin",
      "filename*=utf-8'en'%f0%9f%93%84; filename=\"_.bin\"": "📄",
      "filename=\"_.bin\"; filename*=UTF-8''%zz": "_.bin",
      "filename=\"_.bin\"; filename*=ISO-8859-1''%e9": "_.bin"
    }
    for (
      const [parameter, filename] of Object.entries({ ...names, [`filename=${"n".repeat(4096)}`]: "n".repeat(4096) })
    ) {
      it.effect(JSON.stringify(parameter.slice(0, 64)), () =>
        withRoutes(({ created, post }) =>
          Effect.gen(function*() {
            const field = { headers: [`content-disposition: form-data; name=file; ${parameter}`], content: data }
            const answer = yield* post([form(field, purpose)])
            expect(answer).toMatchObject({ status: 200, body: { filename } })
            expect(yield* created).toMatchObject({ filename })
          })
        ))
    }
  })

  describe("has the MIME type of its Content-Type, or else of its name", () => {
    const types = [
      ["a.bin", "Content-Type: text/x-c; charset=utf-8", "text/x-c; charset=utf-8"],
      ["a.jsonl", "Content-Type: application/octet-stream", "text/jsonl"],
      ["a.pdf", "Content-Type: pdf", "application/pdf"],
      ["a.md", "X: y", "text/markdown"],
      ["a", "X: y", "application/octet-stream"]
    ] as const
    for (const [filename, header, mimeType] of types) {
      it.effect(`${filename}, ${header}`, () =>
        withRoutes(({ created, post }) =>
          Effect.gen(function*() {
            expect((yield* post([form(fileField(data, filename, header), purpose)])).status).toBe(200)
            expect(yield* created).toMatchObject({ mimeType })
          })
        ))
    }
  })
})

describe("a file that is refused", () => {
  const refused: ReadonlyArray<readonly [title: string, body: Uint8Array, param: string, says: string]> = [
    ["without a purpose", form(fileField(data)), "purpose", "missing"],
    ["with an empty purpose", form(fileField(data), text("purpose", "")), "purpose", "purpose"],
    ["with an unknown purpose", form(fileField(data), text("purpose", "fun")), "purpose", "assistants, batch"],
    ["with an endless purpose", form(text("purpose", "x".repeat(1025)), fileField(data)), "purpose", "1024 bytes"],
    ["with two purposes", form(purpose, purpose, fileField(data)), "purpose", "more than once"],
    [
      "with a purpose in an unknown encoding",
      form(fileField(data), text("purpose", "x", "Content-Transfer-Encoding: gzip")),
      "purpose",
      "gzip"
    ],
    ["that is none", form(purpose), "file", "missing"],
    ["of an empty form", form(), "file", "missing"],
    ["that is given twice", form(fileField(data), purpose, fileField(data)), "file", "more than once"],
    // `curl -F file=data.bin`, where @ was forgotten.
    ["that is only a name", form(text("file", "data.bin"), purpose), "file", "file name"],
    ["with an empty name", form(fileField(data, ""), purpose), "file", "file name"],
    [
      "in base64 that is none",
      form(fileField("*", "a", "Content-Transfer-Encoding: base64"), purpose),
      "file",
      "base64"
    ],
    ["that is cut off", begin([purpose, fileField(data)]), "file", "cut off"],
    [
      "that expires without a time",
      form(fileField(data), purpose, ...expiresAfter.slice(0, 1)),
      "expires_after.seconds",
      "missing"
    ],
    [
      "that expires after nothing",
      form(fileField(data), purpose, ...expiresAfter.slice(1)),
      "expires_after.anchor",
      "missing"
    ],
    ...["3599", "2592001", "1h", "-1", "1e4", ""].map((seconds) =>
      [
        `that expires after ${JSON.stringify(seconds)} seconds`,
        form(
          fileField(data),
          purpose,
          text("expires_after[anchor]", "created_at"),
          text("expires_after[seconds]", seconds)
        ),
        "expires_after.seconds",
        "3600 (1 hour)"
      ] as const
    )
  ]
  for (const [title, body, param, says] of refused) {
    it.effect(title, () =>
      withRoutes(({ post, statuses }) =>
        Effect.gen(function*() {
          const answer = yield* post([body])
          expect(answer).toMatchObject({
            status: 400,
            body: { error: { type: "invalid_request_error", param, message: expect.stringContaining(says) } }
          })
          expect(yield* statuses).toEqual([])
        })
      ))
  }

  it.effect("with another content type", () =>
    withRoutes(({ post }) =>
      Effect.map(
        post([form(fileField(data), purpose)], "application/json"),
        (answer) => expect(answer).toMatchObject({ status: 400, body: { error: { param: "file" } } })
      )
    ))

  it.effect("where it is larger than it may be, while it arrives", () =>
    withRoutes(({ post, statuses }) =>
      Effect.gen(function*() {
        expect((yield* post([form(purpose, fileField(pattern(10_000)))])).status).toBe(200)
        let sent = 0
        const endless = (function*() {
          yield begin([purpose, fileField(data)])
          for (;; sent++) yield pattern(1000)
        })()
        const answer = yield* post(endless)
        expect(answer).toMatchObject({
          status: 400,
          body: { error: { param: "file", message: expect.stringContaining("at most 10000 bytes") } }
        })
        // And then so much is read as the file could have had, for a client that answers are lost on while it sends.
        expect(sent).toBeLessThan(50)
        expect(yield* statuses).toEqual(["completed"])
      })
    ))
})

describe("a file that cannot be stored", () => {
  const uploadId = UploadId.make("upload_1")
  const body = form(fileField(data), purpose)

  it.effect("is refused as the service refuses its Upload, which is cancelled", () =>
    withRoutes(({ post, statuses }) =>
      Effect.gen(function*() {
        const handle = yield* UploadsMemory.UploadsServiceTest
        yield* handle.failNext("create", new ServiceError.QuotaExceeded({}))
        expect(yield* post([body])).toMatchObject({ status: 429, body: { error: { code: "insufficient_quota" } } })
        expect(yield* statuses).toEqual([])
        yield* handle.failNext("addPart", new ServiceError.RateLimited({ retryAfter: Duration.seconds(2) }))
        const limited = yield* post([body])
        expect(limited).toMatchObject({ status: 429, body: { error: { code: "rate_limit_exceeded" } } })
        expect(limited.headers.get("retry-after")).toBe("2")
        yield* handle.failNext("complete", new ServiceError.ServiceUnavailable({}))
        expect((yield* post([body])).status).toBe(503)
        expect(yield* statuses).toEqual(["cancelled", "cancelled"])
      })
    ))

  it.effect("is answered with 503 where the caller can do nothing about it, whether the Upload can be cancelled or not", () =>
    withRoutes(({ post, statuses }) =>
      Effect.gen(function*() {
        const handle = yield* UploadsMemory.UploadsServiceTest
        yield* handle.failNext("addPart", new UploadError.UploadNotFound({ uploadId }))
        yield* handle.failNext("addPart", new PartLengthMismatch({ declared: 1000, actual: 0 }))
        yield* handle.failNext("complete", new UploadError.BytesMismatch({ uploadId }))
        yield* handle.failNext("complete", new UploadError.UploadExpired({ uploadId }))
        for (let index = 0; index < 3; index++) {
          expect(yield* post([body])).toMatchObject({ status: 503, body: { error: { code: "service_unavailable" } } })
        }
        yield* handle.failNext("addPart", new UploadError.UploadNotFound({ uploadId }))
        yield* handle.failNext("cancel", new UploadError.UploadNotFound({ uploadId }))
        expect((yield* post([body])).status).toBe(503)
        expect(yield* statuses).toEqual(["cancelled", "cancelled", "cancelled", "pending"])
      })
    ))

  it.effect("is answered with 503 where there is no room for it", () =>
    withRoutes(({ post, statuses }) =>
      Effect.gen(function*() {
        vi.stubEnv("TMPDIR", join(temporary, "missing"))
        const answer = yield* post([body]).pipe(
          Effect.ensuring(Effect.sync(() => vi.stubEnv("TMPDIR", temporary)))
        )
        expect(answer).toMatchObject({ status: 503, body: { error: { code: "service_unavailable" } } })
        expect(yield* statuses).toEqual([])
      })
    ))
})

describe("a file whose client disconnects", () => {
  /** Hangs up after a body, once `reached`, and waits for the handling to end. */
  const hangUp = (
    body: Uint8Array,
    reached: "spooling" | "adding"
  ) =>
    Effect.gen(function*() {
      const adding = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<void>()
      const stuck = Layer.effect(
        UploadsService.UploadsService,
        Effect.map(UploadsService.UploadsService, (service): UploadsService.Service => ({
          ...service,
          addPart: () => Effect.zipRight(Deferred.succeed(adding, undefined), Effect.never)
        }))
      )
      const server = HttpApiBuilder.serve((app) => Effect.ensuring(app, Deferred.succeed(ended, undefined))).pipe(
        Layer.provide(UploadsRoutes.layer),
        Layer.provide(stuck),
        Layer.provideMerge(Layer.merge(loopback, services))
      )
      return yield* Effect.gen(function*() {
        const handle = yield* UploadsMemory.UploadsServiceTest
        const socket = connect({ host: "127.0.0.1", port: Number(new URL(yield* url).port) })
        socket.write(
          `POST /files HTTP/1.1\r\nHost: a\r\nContent-Length: ${
            reached === "adding" ? body.length : 1_000_000
          }\r\nContent-Type: ${formData}\r\n\r\n`
        )
        socket.write(body)
        yield* reached === "adding"
          ? Deferred.await(adding)
          : Effect.promise(() => vi.waitUntil(() => readdirSync(temporary).length > 0))
        expect(yield* leftBehind).toHaveLength(1)
        socket.destroy()
        yield* Deferred.await(ended)
        yield* Effect.promise(() => vi.waitUntil(() => readdirSync(temporary).length === 0))
        return (yield* handle.uploads).map(({ status }) => status)
      }).pipe(Effect.provide(server))
    })

  it.effect("in the middle of it, leaves neither it nor an Upload", () =>
    Effect.map(hangUp(begin([purpose, fileField(data)]), "spooling"), (statuses) => expect(statuses).toEqual([])))

  it.effect("while it is stored, leaves a cancelled Upload", () =>
    Effect.map(hangUp(form(purpose, fileField(data)), "adding"), (statuses) => expect(statuses).toEqual(["cancelled"])))
})

describe("a gateway", () => {
  it.effect("sends a file on to the service behind it", () =>
    Effect.gen(function*() {
      const body = new FormData()
      body.set("file", new File([new Uint8Array(data)], "data.bin"))
      body.set("purpose", "user_data")
      const apiUrl = yield* url
      const file: unknown = yield* Effect.promise(async () =>
        (await fetch(`${apiUrl}/files`, { method: "POST", body })).json()
      )
      expect(file).toMatchObject({ object: "file", bytes: 2500, filename: "data.bin", purpose: "user_data" })
      expect(yield* leftBehind).toEqual([])
    }).pipe(
      Effect.provide(served.pipe(Layer.provide(hop(memory, FetchHttpClient.layer)), Layer.provide(limits)))
    ))
})
