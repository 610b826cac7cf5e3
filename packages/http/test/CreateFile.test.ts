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
import { afterAll, beforeAll, describe, expect, it, vi } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pattern } from "./support/contract.js"
import { beginPost, servedUntil } from "./support/disconnect.js"
import { hop, memory, served, url } from "./support/server.js"
import { webHandler } from "./support/webHandler.js"

/** The temporary directory of these tests. A file in it after a test was left behind. */
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

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

interface Routes {
  /** Sends a form in these chunks. */
  readonly post: (chunks: Iterable<Uint8Array>, contentType?: string) => Effect.Effect<Reply>
  /** The request of the only created Upload. */
  readonly created: Effect.Effect<CreateUpload>
  /** The bytes of the File in a response. */
  readonly content: (reply: Reply) => Effect.Effect<Buffer>
  readonly statuses: Effect.Effect<ReadonlyArray<string>>
}

const idOf = (reply: Reply): string =>
  typeof reply.body === "object" && reply.body !== null && "id" in reply.body ? String(reply.body.id) : ""

const boundary = "b0undary"

const formData = `multipart/form-data; boundary=${boundary}`

const each = function*<A>(all: Iterable<A>) {
  yield* all
}

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
      const handler = yield* webHandler
      const handle = yield* UploadsMemory.UploadsServiceTest
      const send = (path: string, init: object) =>
        Effect.promise(() => handler(new Request(`http://127.0.0.1/files${path}`, init)))
      const result = yield* use({
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
        content: (reply) =>
          Effect.flatMap(
            send(`/${idOf(reply)}/content`, {}),
            (response) => Effect.promise(async () => Buffer.from(await response.arrayBuffer()))
          ),
        statuses: Effect.map(handle.uploads, (uploads) => uploads.map(({ status }) => status))
      })
      expect(yield* leftBehind).toEqual([])
      return result
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

describe("POST /files", () => {
  it.effect("creates a File from an Upload whose parts are within the limit", () =>
    withRoutes(({ content, post, statuses }) =>
      Effect.gen(function*() {
        const handle = yield* UploadsMemory.UploadsServiceTest
        const reply = yield* post([form(fileField(data), purpose)])
        expect(reply).toMatchObject({
          status: 200,
          body: { object: "file", bytes: 2500, filename: "data.bin", purpose: "user_data", status: "processed" }
        })
        expect((yield* content(reply)).equals(data)).toBe(true)
        expect(yield* handle.calls("addPart")).toBe(3)
        expect(yield* statuses).toEqual(["completed"])
      })
    ))

  it.effect("accepts an empty file", () =>
    withRoutes(({ content, post }) =>
      Effect.gen(function*() {
        const reply = yield* post([form(purpose, fileField(""))])
        expect(reply).toMatchObject({ status: 200, body: { bytes: 0 } })
        expect(yield* content(reply)).toHaveLength(0)
      })
    ))

  const orders: Record<string, ReadonlyArray<Field>> = {
    "as the first field": [fileField(data), purpose, ...expiresAfter],
    "as the last field": [purpose, ...expiresAfter, fileField(data)],
    "in between, beside unknown fields": [
      expiresAfter[1] ?? purpose,
      text("model", "x".repeat(5000)),
      text("expiry", "1"),
      text("filename", "other.bin"),
      text("file_type", "x"),
      fileField(data),
      purpose,
      expiresAfter[0] ?? purpose
    ]
  }
  for (const [order, fields] of Object.entries(orders)) {
    it.effect(`accepts the file ${order}, in one chunk and byte by byte`, () =>
      withRoutes(({ content, post }) =>
        Effect.gen(function*() {
          const body = form(...fields)
          for (const chunks of [[body], Array.from(body, (byte) => Uint8Array.of(byte))]) {
            const reply = yield* post(chunks)
            expect(reply).toMatchObject({ status: 200, body: { expires_at: 7200, purpose: "user_data" } })
            expect((yield* content(reply)).equals(data)).toBe(true)
          }
        })
      ))
  }

  it.effect("decodes base64 in the file and in text fields", () =>
    withRoutes(({ content, post }) =>
      Effect.gen(function*() {
        const base64 = "Content-Transfer-Encoding: base64"
        const reply = yield* post([form(
          fileField(Buffer.from(data).toString("base64"), "data.bin", base64),
          text("purpose", "dXNlcl9kYXRh", base64)
        )])
        expect(reply).toMatchObject({ status: 200, body: { bytes: 2500, purpose: "user_data" } })
        expect((yield* content(reply)).equals(data)).toBe(true)
      })
    ))

  describe("takes the file name from the Content-Disposition", () => {
    const names: Record<string, string> = {
      "filename=data.bin": "data.bin",
      "filename=\"a;b=c.bin\"": "a;b=c.bin",
      "filename=\"../../etc/passwd\"": "../../etc/passwd",
      // As browsers and Python write it.
      "filename=\"C:\\data\\x.bin\"": "C:\\data\\x.bin",
      "filename=\"C:\\\\data\"": "C:\\data",
      "filename=\"a \\\"b\\\".bin\"": "a \"b\".bin",
      "filename=\"a %22b%22%25.bin\"": "a \"b\"%25.bin",
      "filename=\"Отчёт 📄\u202E.bin\"": "Отчёт 📄\u202E.bin",
      "filename=\"_.bin\"; filename*=UTF-8''%D0%9E%22.bin": "О\".bin",
      "filename*=utf-8'en'%f0%9f%93%84; filename=\"_.bin\"": "📄",
      "filename=\"_.bin\"; filename*=UTF-8''%zz": "_.bin",
      "filename=\"_.bin\"; filename*=ISO-8859-1''%e9": "_.bin"
    }
    for (
      const [parameter, filename] of Object.entries({ ...names, [`filename=${"n".repeat(255)}`]: "n".repeat(255) })
    ) {
      it.effect(JSON.stringify(parameter.slice(0, 64)), () =>
        withRoutes(({ created, post }) =>
          Effect.gen(function*() {
            const field = { headers: [`content-disposition: form-data; name=file; ${parameter}`], content: data }
            const reply = yield* post([form(field, purpose)])
            expect(reply).toMatchObject({ status: 200, body: { filename } })
            expect(yield* created).toMatchObject({ filename })
          })
        ))
    }
  })

  describe("rejects a Content-Disposition that does not follow the grammar of parameters, and names the parameter", () => {
    const malformed: Record<string, string> = {
      "filename=a b.txt": "filename",
      "filename=a;b": "parameter b",
      "filename=a/b.txt": "filename",
      "filename=": "filename",
      "filename=\"a": "filename",
      "filename=\"a\"b\"": "filename",
      "filename=é.txt": "filename",
      "filename=\"a.txt\"; junk": "parameter junk",
      "filename=\"a.txt\" =b": "filename"
    }
    for (const [parameter, named] of Object.entries(malformed)) {
      it.effect(JSON.stringify(parameter), () =>
        withRoutes(({ post }) =>
          Effect.gen(function*() {
            const field = { headers: [`content-disposition: form-data; name=file; ${parameter}`], content: data }
            const reply = yield* post([form(field, purpose)])
            expect(reply).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining(named) } } })
          })
        ))
    }
  })

  describe("rejects a file name that no request may have, from the Content-Disposition", () => {
    for (const name of ["a%0d%0A.bin", "a\0.bin", "a\u0085.bin", "n".repeat(256)]) {
      it.effect(JSON.stringify(name.slice(0, 64)), () =>
        withRoutes(({ post }) =>
          Effect.gen(function*() {
            const field = { headers: [`content-disposition: form-data; name=file; filename="${name}"`], content: data }
            const reply = yield* post([form(field, purpose)])
            expect(reply).toMatchObject({ status: 400, body: { error: { param: "filename" } } })
            expect(JSON.stringify(reply.body).length).toBeLessThan(800)
          })
        ))
    }
  })

  describe("takes the MIME type from the Content-Type, else from the file name, for", () => {
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

describe("POST /files rejects a file", () => {
  const rejected: ReadonlyArray<readonly [title: string, body: Uint8Array, param: string, message: string]> = [
    ["without a purpose", form(fileField(data)), "purpose", "missing"],
    ["with an empty purpose", form(fileField(data), text("purpose", "")), "purpose", "purpose"],
    ["with an unknown purpose", form(fileField(data), text("purpose", "fun")), "purpose", "assistants, batch"],
    [
      "with a purpose of more than 1024 bytes",
      form(text("purpose", "x".repeat(1025)), fileField(data)),
      "purpose",
      "1024 bytes"
    ],
    ["with two purposes", form(purpose, purpose, fileField(data)), "purpose", "more than once"],
    [
      "with a purpose in an unknown encoding",
      form(fileField(data), text("purpose", "x", "Content-Transfer-Encoding: gzip")),
      "purpose",
      "gzip"
    ],
    ["that is missing beside a purpose", form(purpose), "file", "missing"],
    ["that is missing in an empty form", form(), "file", "missing"],
    ["that is given twice", form(fileField(data), purpose, fileField(data)), "file", "more than once"],
    // `curl -F file=data.bin`, where @ was forgotten.
    ["that is a name without content", form(text("file", "data.bin"), purpose), "file", "file name"],
    ["with an empty name", form(fileField(data, ""), purpose), "file", "file name"],
    [
      "in malformed base64",
      form(fileField("*", "a", "Content-Transfer-Encoding: base64"), purpose),
      "file",
      "base64"
    ],
    ["that is cut off", begin([purpose, fileField(data)]), "file", "cut off"],
    [
      "with an expiry without seconds",
      form(fileField(data), purpose, ...expiresAfter.slice(0, 1)),
      "expires_after.seconds",
      "missing"
    ],
    [
      "with an expiry without an anchor",
      form(fileField(data), purpose, ...expiresAfter.slice(1)),
      "expires_after.anchor",
      "missing"
    ],
    ...["3599", "2592001", "1h", "-1", "1e4", ""].map((seconds) =>
      [
        `with an expiry of ${JSON.stringify(seconds)} seconds`,
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
  // A lifetime that is not understood would be lost: the File would live for ever.
  for (
    const [name, content] of [
      ["expires_after", "604800"],
      ["expires_after", "{\"anchor\":\"created_at\",\"seconds\":3600}"],
      ["expires_after.anchor", "created_at"],
      ["expires_after.seconds", "3600"],
      ["expires_after[Seconds]", "3600"],
      ["expires_after[]", "3600"],
      ["expires_after%5Bseconds%5D", "3600"],
      ["expiresAfter", "3600"],
      ["expires_at", "1"],
      ["EXPIRES", "1"],
      ["Purpose", "user_data"],
      ["purposes", "user_data"],
      ["file[]", "x"]
    ] as const
  ) {
    it.effect(`with the field ${name}=${content}`, () =>
      withRoutes(({ post, statuses }) =>
        Effect.gen(function*() {
          for (
            const fields of [[purpose, fileField(data), text(name, content)], [text(name, content), fileField(data)]]
          ) {
            expect(yield* post([form(...fields)])).toMatchObject({
              status: 400,
              body: { error: { param: name, message: expect.stringContaining("expires_after[seconds]") } }
            })
          }
          expect(yield* statuses).toEqual([])
        })
      ))
  }

  it.effect("with a purpose that is not valid UTF-8", () =>
    withRoutes(({ post }) =>
      Effect.gen(function*() {
        const field = { ...text("purpose", ""), content: Uint8Array.of(0x61, 0xff) }
        expect(yield* post([form(fileField(data), field)])).toMatchObject({
          status: 400,
          body: { error: { param: "purpose", message: expect.stringContaining("UTF-8") } }
        })
      })
    ))

  for (const [title, body, param, message] of rejected) {
    it.effect(title, () =>
      withRoutes(({ post, statuses }) =>
        Effect.gen(function*() {
          const reply = yield* post([body])
          expect(reply).toMatchObject({
            status: 400,
            body: { error: { type: "invalid_request_error", param, message: expect.stringContaining(message) } }
          })
          expect(yield* statuses).toEqual([])
        })
      ))
  }

  it.effect("with another content type", () =>
    withRoutes(({ post }) =>
      Effect.map(
        post([form(fileField(data), purpose)], "application/json"),
        (reply) =>
          expect(reply).toMatchObject({
            status: 415,
            body: { error: { code: "unsupported_media_type", param: "content-type" } }
          })
      )
    ))

  it.effect("that is larger than the limit, while it arrives", () =>
    withRoutes(({ post, statuses }) =>
      Effect.gen(function*() {
        expect((yield* post([form(purpose, fileField(pattern(10_000)))])).status).toBe(200)
        let sent = 0
        const endless = (function*() {
          yield begin([purpose, fileField(data)])
          for (;; sent++) yield pattern(1000)
        })()
        const reply = yield* post(endless)
        expect(reply).toMatchObject({
          status: 400,
          body: { error: { param: "file", message: expect.stringContaining("at most 10000 bytes") } }
        })
        // As many bytes as a file may have are discarded, for a client that reads the response only after sending.
        expect(sent).toBeLessThan(50)
        expect(yield* statuses).toEqual(["completed"])
      })
    ))
})

describe("POST /files that cannot store the file", () => {
  const uploadId = UploadId.make("upload_1")
  const body = form(fileField(data), purpose)

  it.effect("responds with the error of the service and cancels the Upload", () =>
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

  it.effect("responds with 503 to an error that the caller cannot act on, even if cancelling the Upload fails", () =>
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

  it.effect("responds with 503 when the temporary file cannot be created", () =>
    withRoutes(({ post, statuses }) =>
      Effect.gen(function*() {
        vi.stubEnv("TMPDIR", join(temporary, "missing"))
        const reply = yield* post([body]).pipe(
          Effect.ensuring(Effect.sync(() => vi.stubEnv("TMPDIR", temporary)))
        )
        expect(reply).toMatchObject({ status: 503, body: { error: { code: "service_unavailable" } } })
        expect(yield* statuses).toEqual([])
      })
    ))
})

describe("POST /files whose client disconnects", () => {
  /** Disconnects after a body, once the handling has `reached` a step, and waits for it to end. */
  const disconnect = (
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
      const server = servedUntil(ended).pipe(Layer.provide(stuck), Layer.provideMerge(services))
      return yield* Effect.gen(function*() {
        const handle = yield* UploadsMemory.UploadsServiceTest
        const contentLength = reached === "adding" ? body.length : 1_000_000
        const socket = yield* beginPost("/files", { contentType: formData, contentLength }, body)
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

  it.effect("while the file arrives, leaves neither a temporary file nor an Upload", () =>
    Effect.map(disconnect(begin([purpose, fileField(data)]), "spooling"), (statuses) => expect(statuses).toEqual([])))

  it.effect("while the file is stored, leaves a cancelled Upload", () =>
    Effect.map(
      disconnect(form(purpose, fileField(data)), "adding"),
      (statuses) => expect(statuses).toEqual(["cancelled"])
    ))
})

describe("a gateway", () => {
  it.effect("forwards the file of POST /files to the service behind it", () =>
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
