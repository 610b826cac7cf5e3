import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { UploadId } from "@effect-uploads/domain/Ids"
import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as PartData from "@effect-uploads/http/PartData"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it, vi } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import type { IncomingHttpHeaders } from "node:http"
import { pattern } from "./support/contract.js"
import { beginPost, servedUntil } from "./support/disconnect.js"
import { testKey, url } from "./support/server.js"
import { webHandler } from "./support/webHandler.js"

const encoder = new TextEncoder()

const bytesOf = (text: string): Uint8Array => encoder.encode(text)

const join = (...chunks: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(chunks))

// -----------------------------------------------------------------------------------------------------------------
// Sending
// -----------------------------------------------------------------------------------------------------------------

interface Recorded {
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

const uploadPart = JSON.stringify({ id: "part_1", object: "upload.part", created_at: 1, upload_id: "upload_1" })

/** A server that records each request byte for byte, and responds to the first `failures` requests with 503. */
const recorder = (failures = 0) =>
  Effect.gen(function*() {
    const requests: Array<Recorded> = []
    const server = yield* Effect.acquireRelease(
      Effect.sync(() =>
        createServer((request, response) => {
          const chunks: Array<Uint8Array> = []
          request.on("data", (chunk: Uint8Array) => chunks.push(chunk))
          request.on("end", () => {
            requests.push({ headers: request.headers, body: join(...chunks) })
            response.writeHead(requests.length <= failures ? 503 : 200, { "content-type": "application/json" })
            response.end(requests.length <= failures ? "{}" : uploadPart)
          })
        })
      ),
      (server) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const port = yield* Effect.async<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(
          typeof address === "object" && address !== null ? Effect.succeed(address.port) : Effect.die("it has no port")
        )
      })
    })
    return { apiUrl: `http://127.0.0.1:${port}`, requests }
  })

/** The data of a body with exactly one field, read without the parser under test. */
const onlyField = ({ body, headers }: Recorded) => {
  const boundary = /^multipart\/form-data; boundary=([0-9a-f]{32})$/.exec(headers["content-type"] ?? "")?.[1] ?? ""
  const head = `--${boundary}\r\n` +
    "Content-Disposition: form-data; name=\"data\"; filename=\"data\"\r\nContent-Type: application/octet-stream\r\n\r\n"
  const tail = `\r\n--${boundary}--\r\n`
  const text = Buffer.from(body).toString("latin1")
  expect(boundary).not.toBe("")
  expect(text.slice(0, head.length)).toBe(head)
  expect(text.slice(text.length - tail.length)).toBe(tail)
  const data = body.subarray(head.length, body.length - tail.length)
  expect(Buffer.from(data).includes(boundary)).toBe(false)
  return data
}

const uploadId = UploadId.make("upload_1")

const small = pattern(70_001)

/** Every form of part data, with its bytes. */
const forms: ReadonlyArray<{
  readonly name: string
  readonly bytes: Uint8Array
  readonly data: Effect.Effect<PartData.PartData, unknown, FileSystem.FileSystem>
}> = [
  { name: "bytes", bytes: small, data: Effect.succeed(small) },
  { name: "no bytes", bytes: new Uint8Array(0), data: Effect.succeed(new Uint8Array(0)) },
  { name: "a view of bytes", bytes: small.subarray(5, 77), data: Effect.succeed(small.subarray(5, 77)) },
  { name: "a Blob", bytes: small, data: Effect.succeed(new Blob([new Uint8Array(small)])) },
  { name: "an empty Blob", bytes: new Uint8Array(0), data: Effect.succeed(new Blob([])) },
  {
    name: "a slice of a Blob",
    bytes: small.subarray(3, 4096),
    data: Effect.succeed(new Blob([new Uint8Array(small)]).slice(3, 4096))
  },
  {
    name: "a stream",
    bytes: small,
    data: Effect.succeed(PartData.stream(
      Stream.make(small.subarray(0, 1), new Uint8Array(0), small.subarray(1, 30_000), small.subarray(30_000)),
      { bytes: small.length }
    ))
  },
  {
    name: "an empty stream",
    bytes: new Uint8Array(0),
    data: Effect.succeed(PartData.stream(Stream.empty, { bytes: 0 }))
  },
  {
    name: "a range of a file",
    bytes: small.subarray(1000, 66_000),
    data: Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Effect.orDie(fs.makeTempFile())
      yield* fs.writeFile(path, small)
      return yield* PartData.file(path, { offset: 1000, bytes: 65_000 })
    })
  },
  {
    name: "bytes that arrive once",
    bytes: small,
    data: Effect.succeed(PartData.incoming(Stream.make(small.subarray(0, 9), small.subarray(9))))
  }
]

const clients: ReadonlyArray<{
  readonly name: string
  readonly layer: Layer.Layer<HttpClient.HttpClient>
  readonly options?: Partial<ClientOptions>
}> = [
  { name: "undici", layer: NodeHttpClient.layerUndici },
  { name: "the Node client", layer: NodeHttpClient.layer },
  { name: "fetch, parts as Blobs", layer: FetchHttpClient.layer, options: { partBody: "blob" } }
]

/** The attempts of the standard policy, without its delays. */
const retryPolicy = Schedule.recurs(2)

describe("the body of addPart", () => {
  for (const client of clients) {
    describe(`over ${client.name}`, () => {
      for (const form of forms) {
        it.scoped(`has one field and its exact Content-Length in every attempt, for ${form.name}`, () =>
          Effect.gen(function*() {
            const { apiUrl, requests } = yield* recorder(2)
            const service = yield* UploadsClient.make({ apiKey: testKey, apiUrl, retryPolicy, ...client.options })
            const part = yield* service.addPart(uploadId, yield* form.data)
            expect(part.id).toBe("part_1")
            expect(requests).toHaveLength(3)
            for (const request of requests) {
              expect(request.headers["content-length"]).toBe(String(request.body.length))
              expect(request.headers).not.toHaveProperty("transfer-encoding")
              expect(Buffer.from(onlyField(request)).equals(form.bytes)).toBe(true)
            }
          }).pipe(Effect.provide([client.layer, NodeFileSystem.layer])))
      }
    })
  }

  // `fetch` ignores the Content-Length of a body that is a stream. `partBody: "blob"` is for servers that require one.
  it.scoped("is chunked when fetch sends a stream", () =>
    Effect.gen(function*() {
      const { apiUrl, requests } = yield* recorder(1)
      const service = yield* UploadsClient.make({ apiKey: testKey, apiUrl, retryPolicy })
      yield* service.addPart(uploadId, small)
      expect(requests).toHaveLength(2)
      for (const request of requests) {
        expect(request.headers).not.toHaveProperty("content-length")
        expect(request.headers["transfer-encoding"]).toBe("chunked")
        expect(Buffer.from(onlyField(request)).equals(small)).toBe(true)
      }
    }).pipe(Effect.provide(FetchHttpClient.layer)))

  /** Passes the body of the only request to `use` instead of sending it. */
  const bodyOf = <A, E>(
    data: PartData.PartData,
    use: (body: HttpBody.HttpBody) => Effect.Effect<A, E>,
    options?: Partial<ClientOptions>
  ) =>
    Effect.gen(function*() {
      const used = yield* Deferred.make<A, E>()
      const client = HttpClient.make((request) =>
        Effect.as(
          Deferred.complete(used, use(request.body)),
          HttpClientResponse.fromWeb(request, new Response(uploadPart))
        )
      )
      const service = yield* Effect.provideService(
        UploadsClient.make({ apiKey: testKey, ...options }),
        HttpClient.HttpClient,
        client
      )
      yield* service.addPart(uploadId, data)
      return yield* Deferred.await(used)
    })

  const chunksOf = (body: HttpBody.HttpBody) =>
    body._tag === "Stream"
      ? Effect.map(Stream.runCollect(body.stream), Chunk.toReadonlyArray)
      : Effect.dieMessage(`it is a ${body._tag}`)

  it.effect("passes the chunks of a 64 MiB stream to the HTTP client without copying them", () =>
    Effect.gen(function*() {
      const mebibyte = new Uint8Array(1024 * 1024)
      const given = Arr.makeBy(64, () => mebibyte.subarray())
      const sent = yield* bodyOf(PartData.stream(Stream.fromIterable(given), { bytes: 64 * 1024 * 1024 }), (body) => {
        expect(body.contentLength).toBeGreaterThan(64 * 1024 * 1024)
        return chunksOf(body)
      })
      expect(sent).toHaveLength(66)
      given.forEach((chunk, index) => expect(Buffer.compare(sent[index + 1] ?? new Uint8Array(), chunk)).toBe(0))
    }))

  it.effect("passes a Uint8Array to the HTTP client without copying it", () =>
    Effect.gen(function*() {
      const sent = yield* bodyOf(small, chunksOf)
      expect(sent).toHaveLength(3)
      expect(sent[1] === small).toBe(true)
    }))

  it.effect("collects the chunks of an incoming part in memory of its own", () =>
    Effect.gen(function*() {
      const given = [small.subarray(0, 9), small.subarray(9)]
      const sent = yield* bodyOf(PartData.incoming(Stream.fromIterable(given)), chunksOf)
      const data = sent.slice(1, -1)
      expect(Buffer.concat(data).equals(small)).toBe(true)
      expect(data.map(({ buffer }) => buffer)).not.toContain(small.buffer)
    }))

  it.effect("pulls a stream no faster than it is sent", () =>
    Effect.gen(function*() {
      const made = yield* Ref.make(0)
      const chunk = Effect.as(Ref.update(made, (n) => n + 1), new Uint8Array(1024))
      const part = PartData.stream(Stream.take(Stream.repeatEffect(chunk), 1024), { bytes: 1024 * 1024 })
      const taken = yield* bodyOf(part, (body) =>
        body._tag === "Stream"
          ? Stream.runCount(Stream.take(body.stream, 4))
          : Effect.dieMessage(`it is a ${body._tag}`))
      // The first of the four chunks is the framing before the data.
      expect([taken, yield* Ref.get(made)]).toEqual([4, 3])
    }))

  it.effect("is a Blob around the given Blob with partBody: \"blob\"", () =>
    Effect.gen(function*() {
      const blob = new Blob([new Uint8Array(small)])
      const sent = yield* bodyOf(blob, Effect.succeed, { partBody: "blob" })
      expect(sent._tag === "Raw" ? sent.body : sent).toBeInstanceOf(Blob)
      expect(sent.contentLength).toBeGreaterThan(blob.size)
    }))

  for (
    const [userAgent, form] of [
      ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36", "Raw"],
      ["Node.js/24", "Stream"],
      ["Cloudflare-Workers", "Stream"]
    ] as const
  ) {
    it.effect(`is by default a ${form === "Raw" ? "Blob" : "stream"} where the user agent is ${userAgent}`, () =>
      Effect.gen(function*() {
        vi.stubGlobal("navigator", { userAgent })
        yield* Effect.addFinalizer(() => Effect.sync(() => vi.unstubAllGlobals()))
        expect((yield* bodyOf(PartData.stream(Stream.make(small), { bytes: small.length }), Effect.succeed))._tag).toBe(
          form
        )
        expect((yield* bodyOf(small, Effect.succeed, { partBody: "stream" }))._tag).toBe("Stream")
      }).pipe(Effect.scoped))
  }
})

// -----------------------------------------------------------------------------------------------------------------
// Receiving
// -----------------------------------------------------------------------------------------------------------------

const services = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

interface Reply {
  readonly status: number
  readonly body: unknown
}

interface Routes {
  /** Creates an Upload of so many bytes. */
  readonly create: (bytes: number) => Effect.Effect<UploadId>
  /** Sends the body of a part in exactly these chunks, and then fails with `broken`. */
  readonly post: (
    uploadId: UploadId,
    contentType: string | undefined,
    chunks: Iterable<Uint8Array>,
    broken?: Error,
    headers?: Readonly<Record<string, string>>
  ) => Effect.Effect<Reply>
  /** The stored parts of an Upload. */
  readonly stored: (uploadId: UploadId) => Effect.Effect<ReadonlyArray<Uint8Array>>
}

/** A stream that overwrites a chunk when the next one is pulled. */
const reusing = (chunks: Iterable<Uint8Array>, broken: Error | undefined) => {
  const iterator = chunks[Symbol.iterator]()
  let last = new Uint8Array(0)
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      last.fill(0)
      const next = iterator.next()
      if (next.done !== true) {
        last = new Uint8Array(next.value)
        controller.enqueue(last)
      } else if (broken === undefined) controller.close()
      else controller.error(broken)
    }
  }, { highWaterMark: 0 })
}

const withRoutes = <A, E>(use: (routes: Routes) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const handler = yield* webHandler
    const uploads = yield* UploadsService.UploadsService
    const handle = yield* UploadsMemory.UploadsServiceTest
    return yield* use({
      create: (bytes) =>
        uploads.create({ filename: "a.jsonl", purpose: "fine-tune", bytes, mimeType: "text/jsonl" }).pipe(
          Effect.map(({ id }) => id),
          Effect.orDie
        ),
      post: (uploadId, contentType, chunks, broken, headers) =>
        Effect.promise(async () => {
          const init = {
            method: "POST",
            headers: { ...headers, ...(contentType === undefined ? {} : { "content-type": contentType }) },
            body: reusing(chunks, broken),
            duplex: "half"
          }
          const response = await handler(new Request(`http://127.0.0.1/uploads/${uploadId}/parts`, init))
          return { status: response.status, body: await response.json() }
        }),
      stored: (uploadId) => Effect.map(handle.parts(uploadId), (parts) => parts.map(({ bytes }) => bytes))
    })
  }).pipe(
    Effect.provide(Layer.mergeAll(
      UploadsRoutes.layer.pipe(Layer.provideMerge(services)),
      HttpApiBuilder.Router.Live,
      HttpApiBuilder.Middleware.layer,
      HttpServer.layerContext
    ))
  )

const boundary = "b0undary"

const contentType = `multipart/form-data; boundary=${boundary}`

interface Field {
  readonly headers: ReadonlyArray<string>
  readonly content: Uint8Array
}

const field = (name: string, content: Uint8Array): Field => ({
  headers: [`Content-Disposition: form-data; name="${name}"`],
  content
})

const dataField = (content: Uint8Array, ...headers: ReadonlyArray<string>): Field => ({
  headers: [
    "Content-Disposition: form-data; name=\"data\"; filename=\"a.bin\"",
    "Content-Type: application/octet-stream",
    ...headers
  ],
  content
})

const encodedField = (content: Uint8Array): Field => dataField(content, "Content-Transfer-Encoding: BASE64")

/** The bytes of a body before its last boundary, and the bytes from it on. */
const halves = (
  fields: ReadonlyArray<Field>,
  around: {
    readonly preamble?: string
    readonly epilogue?: string
    readonly boundary?: string
    /** What follows each boundary but the last one, in their order. */
    readonly paddings?: ReadonlyArray<string>
  } = {}
): readonly [Uint8Array, Uint8Array] => {
  const line = `--${around.boundary ?? boundary}`
  return [
    join(
      bytesOf(around.preamble === undefined ? "" : `${around.preamble}\r\n`),
      ...fields.flatMap(({ content, headers }, index) => [
        bytesOf(`${line}${around.paddings?.[index] ?? ""}\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n`),
        content,
        bytesOf("\r\n")
      ])
    ),
    bytesOf(`${line}--${around.epilogue ?? "\r\n"}`)
  ]
}

const bodyOf = (...args: Parameters<typeof halves>): Uint8Array => join(...halves(...args))

/** Chunks of one byte. */
const byteByByte = (body: Uint8Array) => Array.from(body, (byte) => Uint8Array.of(byte))

const data = join(pattern(40), bytesOf(`\r\n--${boundary}0\r\n--b0und\r\r\n--\r\n-${boundary}--\r\n`))

const accepted: ReadonlyArray<{
  readonly title: string
  readonly body: Uint8Array
  readonly contentType?: string
  readonly data?: Uint8Array
}> = [
  { title: "a body with only the data field", body: bodyOf([dataField(data)]) },
  { title: "data without bytes", body: bodyOf([dataField(new Uint8Array(0))]), data: new Uint8Array(0) },
  {
    title: "data without a file name or a content type",
    body: bodyOf([field("data", data)])
  },
  {
    title: "data between other fields",
    body: bodyOf([
      field("before", bytesOf("1")),
      dataField(data),
      field("after", bytesOf("2")),
      field("", bytesOf("3"))
    ])
  },
  {
    title: "data between a preamble and an epilogue",
    body: bodyOf([dataField(data)], {
      preamble: `Hello\r\n--${boundary}x`,
      epilogue: `\r\nContent-Disposition: x\r\n\r\nBye`
    })
  },
  {
    title: "a body with a space after each boundary",
    body: bodyOf([field("before", bytesOf("1")), dataField(data), field("after", bytesOf("2"))], {
      paddings: [" ", " ", " "],
      epilogue: " \r\n"
    })
  },
  {
    title: "a body with tabs and spaces after its boundaries, between a preamble and an epilogue",
    body: bodyOf([dataField(data)], { preamble: "a", paddings: [" \t\t "], epilogue: "\t \r\nb" })
  },
  {
    title: "a body that ends with the padding of its last boundary",
    body: bodyOf([dataField(data)], { epilogue: " \t" })
  },
  {
    title: "a body that ends within the line break of its last boundary",
    body: bodyOf([dataField(data)], { epilogue: "\r" })
  },
  {
    title: "a body with 1024 spaces after a boundary",
    body: bodyOf([dataField(data)], { paddings: [" ".repeat(1024)], epilogue: " ".repeat(1024) })
  },
  ...[" x\r\n", "--x\r\n", "--\n", "-- \t-\r\n", "-\r\n", "\t\n", " \r \n"].map((line) => ({
    title: `data with a boundary that is followed by ${JSON.stringify(line)}`,
    body: bodyOf([dataField(bytesOf(`1\r\n--${boundary}${line}2`))]),
    data: bytesOf(`1\r\n--${boundary}${line}2`)
  })),
  {
    title: "data beside fields whose names do not resemble its name",
    body: bodyOf([field("dat", bytesOf("1")), dataField(data), field("database", bytesOf("2"))])
  },
  { title: "a body that ends with the last boundary", body: bodyOf([dataField(data)], { epilogue: "" }) },
  {
    title: "a quoted boundary",
    contentType: `multipart/form-data; charset="utf-8"; boundary="it's (a) \\"b\\": 1/2"`,
    body: bodyOf([dataField(data)], { boundary: "it's (a) \"b\": 1/2" })
  },
  {
    title: "a boundary of a character that the data is full of",
    contentType: "Multipart/Form-Data;BOUNDARY=-",
    body: bodyOf([dataField(bytesOf("\r\n-\r\n--\r\n---x\r\n--".repeat(3)))], { boundary: "-" }),
    data: bytesOf("\r\n-\r\n--\r\n---x\r\n--".repeat(3))
  },
  ...[
    "form-data; name=data; filename=a.bin",
    "form-data; filename=\"; name=\\\"other\\\"\"; name=\"data\"",
    "form-data;name=\"data\";filename=\"Отчёт 📄.jsonl\"",
    "form-data; name=\"data\"; filename=\"../../etc/passwd\"",
    "form-data; name=\"data\"; filename=\"..\\\\..\\\\a\"",
    "form-data; name=\"data\"; filename*=UTF-8''%zz",
    "form-data; name=\"data\"; filename=\"%\"; filename*=UTF-8''%f0%9f%93%84",
    `form-data; name="data"; filename="${"n".repeat(4096)}"`
  ].map((disposition) => ({
    title: `data with Content-Disposition: ${disposition.slice(0, 64)}`,
    body: bodyOf([{ headers: [`content-disposition:${disposition}`], content: data }])
  })),
  ...["binary", "8bit", "7BIT"].map((encoding) => ({
    title: `data with Content-Transfer-Encoding: ${encoding}`,
    body: bodyOf([dataField(data, `Content-Transfer-Encoding: ${encoding}`)])
  })),
  // As `curl -F "data=@file;encoder=base64"` sends it.
  {
    title: "data in base64 in lines of 76 characters",
    body: bodyOf([
      encodedField(bytesOf(Buffer.from(data).toString("base64").replace(/.{1,76}/g, (line) => `${line}\r\n`)))
    ])
  },
  { title: "data without bytes in base64", body: bodyOf([encodedField(bytesOf("\r\n"))]), data: new Uint8Array(0) },
  {
    title: "data in base64 with white space anywhere, between other fields",
    body: bodyOf([
      field("before", bytesOf("*")),
      encodedField(bytesOf(` a\tG V\r\ns\n\nbG8\r= \r\n`)),
      field("after", bytesOf("*"))
    ]),
    data: bytesOf("hello")
  }
]

const invalidData = (reply: Reply) =>
  expect(reply).toMatchObject({
    status: 400,
    body: {
      error: { type: "invalid_request_error", param: "data", details: { _tag: "InvalidRequest", field: "data" } }
    }
  })

const many = (count: number) => Arr.makeBy(count, (index) => field(`f${index}`, bytesOf("1")))

const rejected: ReadonlyArray<{
  readonly title: string
  readonly body: Uint8Array
  readonly contentType?: string | undefined
  readonly message: string
}> = [
  { title: "data twice", body: bodyOf([dataField(data), dataField(data)]), message: "more than once" },
  ...["name=\"data\"; name=\"other\"", "name=\"data\"; NAME=data"].map((parameters) => ({
    title: `two names: ${parameters}`,
    body: bodyOf([{ headers: [`Content-Disposition: form-data; ${parameters}`], content: data }]),
    message: "more than one"
  })),
  {
    title: "two file names",
    body: bodyOf([
      { headers: ["Content-Disposition: form-data; name=\"data\"; filename=\"a\"; filename=\"b\""], content: data }
    ]),
    message: "more than one file name"
  },
  {
    title: "a header twice",
    body: bodyOf([{
      headers: ["Content-Disposition: form-data; name=\"data\"", "content-disposition: form-data; name=\"other\""],
      content: data
    }]),
    message: "content-disposition more than once"
  },
  {
    title: "two boundaries",
    body: bodyOf([dataField(data)]),
    contentType: `multipart/form-data; boundary=${boundary}; boundary=other`,
    message: "one boundary"
  },
  { title: "no data", body: bodyOf([field("date", data)]), message: "missing" },
  { title: "no fields", body: bodyOf([]), message: "missing" },
  { title: "an empty body", body: new Uint8Array(0), message: "cut off" },
  { title: "another boundary", body: bodyOf([dataField(data)], { boundary: "b0undar1" }), message: "cut off" },
  {
    title: "more than 1024 bytes of padding after a boundary",
    body: bodyOf([dataField(data)], { paddings: [" ".repeat(1025)] }),
    message: "white space"
  },
  {
    title: "more than 1024 bytes of padding after the last boundary",
    body: bodyOf([dataField(data)], { epilogue: "\t".repeat(1025) }),
    message: "white space"
  },
  // Taken for the last boundary, the data would be stored short.
  ...["x", " x\r\n", "\n", "-\r\n"].map((epilogue) => ({
    title: `a last boundary that is followed by ${JSON.stringify(epilogue)}`,
    body: bodyOf([dataField(data)], { epilogue }),
    message: "cut off"
  })),
  {
    title: "a file name that is not valid UTF-8",
    body: bodyOf([dataField(data, "X: \u00e9")]).map((byte) => byte === 0xc3 ? 0xe9 : byte),
    message: "not valid UTF-8"
  },
  ...["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\""].map((
    contentType
  ) => ({
    title: `no boundary: ${contentType}`,
    contentType,
    body: bodyOf([dataField(data)]),
    message: "content type"
  })),
  { title: "a field without headers", body: bodyOf([{ headers: [], content: data }]), message: "no name" },
  {
    title: "a field without a name",
    body: bodyOf([{ headers: ["Content-Disposition: form-data"], content: data }]),
    message: "no name"
  },
  { title: "a header without a colon", body: bodyOf([dataField(data, "gibberish")]), message: "cannot be read" },
  {
    title: "headers of more than 16 KiB",
    body: bodyOf([dataField(data, `X: ${"x".repeat(20_000)}`)]),
    message: "bytes of headers"
  },
  { title: "more than 16 fields", body: bodyOf([...many(20), dataField(data)]), message: "fields" },
  {
    title: "more than 1 MiB in other fields",
    body: bodyOf([dataField(data), field("other", new Uint8Array(1024 * 1024 + 1))]),
    message: "has more than"
  },
  {
    title: "a preamble of more than 1 MiB",
    body: bodyOf([dataField(data)], { preamble: "x".repeat(1024 * 1024 + 1) }),
    message: "has more than"
  },
  {
    title: "an epilogue of more than 1 MiB",
    body: bodyOf([dataField(data)], { epilogue: `\r\n${"x".repeat(1024 * 1024 + 1)}` }),
    message: "has more than"
  },
  // Stored without decoding, the data would not be the file.
  ...["Quoted-Printable", "x-gzip", ""].map((encoding) => ({
    title: `an unknown Content-Transfer-Encoding: ${encoding}`,
    body: bodyOf([dataField(bytesOf("aGVsbG8="), `Content-Transfer-Encoding: ${encoding}`)]),
    message: `Content-Transfer-Encoding is ${encoding}`
  })),
  ...Object.entries({
    "aGVsbG8": "cut off",
    "aGVsbG8=\r\nY": "padding",
    "aGVs\r\nb": "cut off",
    "aGVsbG8=aGVsbG8=": "padding",
    "aGVsbG==bG8=": "padding",
    "aGVsbG===": "padding",
    "aGVs=": "padding",
    "aGVs====": "padding",
    "a===": "padding",
    "=": "padding",
    "aGVs-G8_": "character",
    "aGVs\0bG8=": "character",
    "aGVsbG8=--": "character",
    "aGVsbG8é": "character"
  }).map(([encoded, message]) => ({
    title: `malformed base64: ${JSON.stringify(encoded)}`,
    body: bodyOf([encodedField(bytesOf(encoded))]),
    message
  }))
]

/** Data that resembles a boundary, and contains none. */
const treacherous = FastCheck.array(
  FastCheck.oneof(
    FastCheck.constantFrom(
      "\r",
      "\n",
      "-",
      "--",
      "\r\n",
      "\r\n--",
      "\r\n--b",
      boundary,
      `\r\n--${boundary}`,
      `\r\n--${boundary}--`,
      " ",
      "\t",
      "\r\n\r\n"
    )
      .map(bytesOf),
    FastCheck.uint8Array({ maxLength: 8 })
  ),
  { maxLength: 12 }
).map((fragments) => join(...fragments)).filter((bytes) => {
  const text = Buffer.concat([bytes, bytesOf("\r\n")])
  return !new RegExp(`\r\n--${boundary}(--)?[ \t]*\r\n`).test(text.toString("latin1"))
})

/** The padding after a boundary. */
const padding = FastCheck.array(FastCheck.constantFrom(" ", "\t"), { maxLength: 4 }).map((padding) => padding.join(""))

const epilogue = FastCheck.tuple(padding, FastCheck.constantFrom("", "\r\n", "\r\n--", `\r\n--${boundary}\r\n`)).map(
  ([padding, rest]) => padding + rest
)

/** The positions at which a body is split, as fractions of its length. */
const splits = FastCheck.array(FastCheck.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

const splitAt = (body: Uint8Array, fractions: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const positions = fractions.map((fraction) => Math.floor(fraction * body.length)).sort((a, b) => a - b)
  return [0, ...positions].map((position, index) => body.subarray(position, positions[index] ?? body.length))
}

const others = FastCheck.array(treacherous, { maxLength: 3 })

describe("POST /uploads/{upload_id}/parts", () => {
  describe("stores the data, in one chunk and byte by byte, of", () => {
    for (const { body, title, ...form } of accepted) {
      it.effect(title, () =>
        withRoutes(({ create, post, stored }) =>
          Effect.gen(function*() {
            const uploadId = yield* create(10_000)
            for (const chunks of [[body], byteByByte(body)]) {
              expect((yield* post(uploadId, form.contentType ?? contentType, chunks)).status).toBe(200)
            }
            expect(yield* stored(uploadId)).toEqual([form.data ?? data, form.data ?? data])
          })
        ))
    }
  })

  it.effect("stores the same data wherever the body is split", () =>
    withRoutes(({ create, post, stored }) =>
      Effect.gen(function*() {
        const body = bodyOf([field("before", bytesOf("\r\n--")), dataField(data), field("after", bytesOf("-"))], {
          preamble: "a",
          epilogue: "\r\nb"
        })
        const uploadId = yield* create(body.length * data.length)
        for (let position = 1; position < body.length; position++) {
          const { status } = yield* post(uploadId, contentType, [body.subarray(0, position), body.subarray(position)])
          expect([position, status]).toEqual([position, 200])
        }
        const parts = yield* stored(uploadId)
        expect(parts).toHaveLength(body.length - 1)
        for (const part of parts) expect(Buffer.from(part).equals(data)).toBe(true)
      })
    ))

  it.effect.prop(
    "stores exactly the data that was sent, for any data, any padding of the boundaries and any split",
    [treacherous, others, others, splits, FastCheck.array(padding, { minLength: 7, maxLength: 7 }), epilogue],
    ([content, before, after, fractions, paddings, epilogue]) =>
      withRoutes(({ create, post, stored }) =>
        Effect.gen(function*() {
          const body = bodyOf([
            ...before.map((content, index) => field(`b${index}`, content)),
            dataField(content),
            ...after.map((content, index) => field(`a${index}`, content))
          ], { paddings, epilogue })
          const uploadId = yield* create(1000)
          expect((yield* post(uploadId, contentType, splitAt(body, fractions))).status).toBe(200)
          expect(yield* stored(uploadId)).toEqual([content])
        })
      )
  )

  it.effect.prop(
    "decodes base64, for any data, line length and split",
    [FastCheck.uint8Array({ maxLength: 200 }), FastCheck.integer({ min: 1, max: 80 }), splits],
    ([content, width, fractions]) =>
      withRoutes(({ create, post, stored }) =>
        Effect.gen(function*() {
          const base64 = Buffer.from(content).toString("base64")
          const lines = base64.match(new RegExp(`.{1,${width}}`, "g")) ?? []
          const body = bodyOf([encodedField(bytesOf(lines.join("\r\n")))])
          const uploadId = yield* create(1000)
          expect((yield* post(uploadId, contentType, splitAt(body, fractions))).status).toBe(200)
          expect(yield* stored(uploadId)).toEqual([content])
        })
      )
  )

  it.effect("counts the decoded bytes of base64", () =>
    withRoutes(({ create, post, stored }) =>
      Effect.gen(function*() {
        const uploadId = yield* create(100)
        const body = (bytes: number) => bodyOf([encodedField(bytesOf(Buffer.alloc(bytes).toString("base64")))])
        expect(yield* post(uploadId, contentType, [body(101)])).toMatchObject({
          status: 413,
          body: { error: { code: "part_too_large" } }
        })
        expect((yield* post(uploadId, contentType, [body(100)])).status).toBe(200)
        expect(yield* stored(uploadId)).toEqual([new Uint8Array(100)])
      })
    ).pipe(
      Effect.provideService(UploadLimits.UploadLimits, { ...UploadLimits.documented, partBytes: ByteSize.make(100) })
    ))

  describe("rejects and does not store, in one chunk and byte by byte,", () => {
    for (const { body, message, title, ...form } of rejected) {
      it.effect(title, () =>
        withRoutes(({ create, post, stored }) =>
          Effect.gen(function*() {
            const uploadId = yield* create(1000)
            for (const chunks of body.length > 100_000 ? [[body]] : [[body], byteByByte(body)]) {
              const reply = yield* post(uploadId, "contentType" in form ? form.contentType : contentType, chunks)
              invalidData(reply)
              expect(reply).toMatchObject({ body: { error: { message: expect.stringContaining(message) } } })
            }
            expect(yield* stored(uploadId)).toEqual([])
          })
        ))
    }
  })

  it.effect("rejects a field whose name resembles `data`, and names it", () =>
    withRoutes(({ create, post, stored }) =>
      Effect.gen(function*() {
        const uploadId = yield* create(1000)
        for (const name of ["Data", "DATA", "data[]", " data"]) {
          for (const fields of [[field(name, data)], [dataField(data), field(name, data)]]) {
            expect(yield* post(uploadId, contentType, [bodyOf(fields)])).toMatchObject({
              status: 400,
              body: { error: { param: name, message: expect.stringContaining("it must be one of data") } }
            })
          }
        }
        expect(yield* stored(uploadId)).toEqual([])
      })
    ))

  it.effect("rejects a body that is not multipart/form-data, or that is encoded, with 415", () =>
    withRoutes(({ create, post, stored }) =>
      Effect.gen(function*() {
        const uploadId = yield* create(1000)
        const types = [
          "multipart/mixed",
          "multipart/form-data-x",
          "application/json",
          "application/x-www-form-urlencoded"
        ]
        for (const type of [undefined, ...types]) {
          const reply = yield* post(uploadId, type && `${type}; boundary=${boundary}`, [bodyOf([dataField(data)])])
          expect(reply).toMatchObject({
            status: 415,
            body: { error: { code: "unsupported_media_type", param: "content-type" } }
          })
        }
        for (const [encoding, status] of [["gzip", 415], ["br, gzip", 415], ["identity", 200], ["", 200]] as const) {
          const headers = { "content-encoding": encoding }
          const reply = yield* post(uploadId, contentType, [bodyOf([dataField(data)])], undefined, headers)
          expect([encoding, reply.status]).toEqual([encoding, status])
        }
        expect(yield* stored(uploadId)).toHaveLength(2)
      })
    ))

  it.effect("rejects a body that is cut off at any position", () =>
    withRoutes(({ create, post, stored }) =>
      Effect.gen(function*() {
        const [before, last] = halves([dataField(data), field("after", bytesOf("1"))], { epilogue: "" })
        const body = join(before, last)
        const uploadId = yield* create(1000)
        for (let length = 0; length < body.length; length++) {
          invalidData(yield* post(uploadId, contentType, [body.subarray(0, length)]))
        }
        expect(yield* stored(uploadId)).toEqual([])
        expect((yield* post(uploadId, contentType, [body])).status).toBe(200)
      })
    ))

  it.effect.prop(
    "rejects a body that is cut off, for any data and any split",
    [treacherous, others, splits, FastCheck.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })],
    ([content, after, fractions, cut]) =>
      withRoutes(({ create, post, stored }) =>
        Effect.gen(function*() {
          const body = bodyOf([dataField(content), ...after.map((content) => field("after", content))], {
            epilogue: ""
          })
          const uploadId = yield* create(1000)
          invalidData(yield* post(uploadId, contentType, splitAt(body.subarray(0, cut * body.length), fractions)))
          expect(yield* stored(uploadId)).toEqual([])
        })
      )
  )

  it.effect("stores nothing when the connection fails", () =>
    withRoutes(({ create, post, stored }) =>
      Effect.gen(function*() {
        const body = bodyOf([dataField(data)])
        const uploadId = yield* create(1000)
        for (const length of [0, 10, body.length - data.length, body.length - 1, body.length]) {
          const reply = yield* post(uploadId, contentType, [body.subarray(0, length)], new Error("the line is dead"))
          expect(reply).toMatchObject({ status: 400, body: { error: { code: "part_unreadable", param: "data" } } })
        }
        expect(yield* stored(uploadId)).toEqual([])
      })
    ))

  describe("stores nothing and ends when the client disconnects", () => {
    /** Sends the beginning of a part, and disconnects once the service reads it. */
    const disconnect = (bytes: number) =>
      Effect.gen(function*() {
        const reading = yield* Deferred.make<void>()
        const ended = yield* Deferred.make<void>()
        const watched = Layer.effect(
          UploadsService.UploadsService,
          Effect.map(UploadsService.UploadsService, (service): UploadsService.Service => ({
            ...service,
            addPart: (uploadId, part) => {
              const stream = Stream.tap(PartData.toStream(part), () => Deferred.succeed(reading, undefined))
              const observed = PartData.incoming(
                Stream.mapError(stream, (cause) => new PartData.PartUnreadable({ cause }))
              )
              return service.addPart(uploadId, observed)
            }
          }))
        )
        const server = servedUntil(ended).pipe(Layer.provide(watched), Layer.provideMerge(services))
        yield* Effect.gen(function*() {
          const apiUrl = yield* url
          const client = yield* UploadsClient.make({ apiUrl, apiKey: testKey })
          const uploads = yield* UploadsService.UploadsService
          const handle = yield* UploadsMemory.UploadsServiceTest
          const { id } = yield* uploads.create({
            filename: "a.jsonl",
            purpose: "fine-tune",
            bytes,
            mimeType: "text/jsonl"
          })
          const [before] = halves([dataField(pattern(1000))])
          const socket = yield* beginPost(`/uploads/${id}/parts`, { contentType, contentLength: 1_000_000 }, before)
          yield* Deferred.await(reading)
          expect(yield* Deferred.isDone(ended)).toBe(false)
          socket.destroy()
          yield* Deferred.await(ended)
          expect(yield* handle.parts(id)).toEqual([])
          expect((yield* client.cancel(id)).status).toBe("cancelled")
        }).pipe(Effect.provide([server, NodeHttpClient.layerUndici]))
      })

    it.effect("while the service reads the part", () => disconnect(10_000))

    it.effect("while the rest of a rejected part is discarded", () => disconnect(10))
  })
})
