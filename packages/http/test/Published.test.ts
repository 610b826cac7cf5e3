/*
 * The requests and responses of a broad run over the routes, validated against the schemas of the published description.
 */
import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as ServiceError from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { describe, expect, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import type { JsonSchema, Operation } from "./fixtures/published.js"
import { operations, schemas } from "./fixtures/published.js"
import { anyValue } from "./fixtures/values.js"
import { pattern } from "./support/contract.js"
import { webHandler } from "./support/webHandler.js"

const services = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

const routes = Layer.mergeAll(
  UploadsRoutes.layer.pipe(Layer.provideMerge(services)),
  HttpApiBuilder.Router.Live,
  HttpApiBuilder.Middleware.layer,
  NodeHttpServer.layerContext
)

/**
 * Where our responses have more than the published schemas: `details` in an error, and the purpose `evals`, with which the
 * description lets a File be created, but which it does not list for the created File.
 */
const additions = (name: string, schema: JsonSchema): object => {
  const { properties = {} } = schema
  switch (name) {
    case "Error":
      return { properties: { ...properties, details: { type: "object" } } }
    case "OpenAIFile":
      return {
        properties: {
          ...properties,
          purpose: { ...properties["purpose"], enum: [...properties["purpose"]?.enum ?? [], "evals"] }
        }
      }
    default:
      return {}
  }
}

/** The published schemas, without room for keys that they do not name. */
const closed = Object.fromEntries(
  Object.entries(schemas).map(([name, schema]) => [
    name,
    { ...schema, additionalProperties: false, ...additions(name, schema) }
  ])
)

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })

const validator = (schema: JsonSchema) => {
  const validate = ajv.compile({ ...schema, components: { schemas: closed } })
  return (value: unknown): ReadonlyArray<string> =>
    validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

const isPublishedError = validator({ $ref: "#/components/schemas/ErrorResponse" })

const operationOf = (operationId: string): Operation =>
  operations.find((operation) => operation.operationId === operationId) ?? expect.fail(`no operation ${operationId}`)

const validators = new Map(operations.map(({ operationId, request, response }) => [operationId, {
  request: request === undefined ? undefined : validator(request.schema),
  response: validator(response.schema)
}]))

interface Sent {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  /** JSON, or the fields of a form. */
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

const isBlob = (value: unknown): value is Blob => value instanceof Blob

/** The fields of a form as the official clients name them. */
const formOf = (body: object): FormData => {
  const form = new FormData()
  const append = (name: string, value: unknown): void => {
    if (isBlob(value)) form.append(name, value, value instanceof File ? value.name : "data")
    else if (typeof value === "object" && value !== null) {
      for (const [key, nested] of Object.entries(value)) append(`${name}[${key}]`, nested)
    } else form.append(name, String(value))
  }
  for (const [name, value] of Object.entries(body)) append(name, value)
  return form
}

/** A form as a value of its published schema, where a file is a string. */
const withoutBlobs = (body: object): object =>
  Object.fromEntries(Object.entries(body).map(([key, value]) => [key, isBlob(value) ? "" : value]))

/** Sends a request, and validates the response, whatever its status. */
const exchange = (operationId: string, { body, headers = {}, params = {}, query = {} }: Sent = {}) =>
  Effect.gen(function*() {
    const handler = yield* webHandler
    const { method, path, request } = operationOf(operationId)
    const url = new URL(
      `http://127.0.0.1${path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] ?? ""))}`
    )
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const isForm = request?.mediaType === "multipart/form-data"
    const init = body === undefined
      ? {}
      : isForm
      ? { body: formOf(body) }
      : { body: JSON.stringify(body) }
    const json = body === undefined || isForm ? {} : { "content-type": "application/json" }
    const response = yield* Effect.promise(() =>
      handler(new Request(url, { method: method.toUpperCase(), headers: { ...json, ...headers }, ...init }))
    )
    return yield* Effect.promise(() => validated(operationId, response))
  })

const validated = async (operationId: string, response: Response): Promise<Reply> => {
  const { headers, status } = response
  if (operationId === "downloadFile" && status < 400) {
    expect(headers.get("content-type")).toBe(status === 304 ? null : "application/octet-stream")
    return { status, headers, body: Buffer.from(await response.arrayBuffer()) }
  }
  expect(headers.get("content-type")).toBe("application/json")
  const body: unknown = await response.json()
  const problems = status === 200 ? validators.get(operationId)?.response(body) : isPublishedError(body)
  expect({ operationId, status, body, problems }).toEqual({ operationId, status, body, problems: [] })
  return { status, headers, body }
}

/** A request that the published description allows. */
const send = (operationId: string, sent: Sent = {}) =>
  Effect.gen(function*() {
    const validate = validators.get(operationId)?.request
    if (validate !== undefined) expect(validate(withoutBlobs(sent.body ?? {}))).toEqual([])
    const { parameters } = operationOf(operationId)
    const names = (place: string) => parameters.filter((parameter) => parameter.in === place).map(({ name }) => name)
    expect(Object.keys(sent.params ?? {})).toEqual(names("path"))
    expect(names("query")).toEqual(expect.arrayContaining(Object.keys(sent.query ?? {})))
    return yield* exchange(operationId, sent)
  })

const succeed = (operationId: string, sent: Sent = {}) =>
  Effect.map(send(operationId, sent), (reply) => {
    expect([operationId, reply.status, reply.body]).toEqual([operationId, 200, reply.body])
    return reply.body
  })

const idOf = (value: unknown): string =>
  typeof value === "object" && value !== null && "id" in value ? String(value.id) : expect.fail("it has no id")

const fileOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "file" in value ? value.file : expect.fail("it has no file")

const training = (bytes: number) => ({ filename: "a.jsonl", purpose: "fine-tune", bytes, mime_type: "text/jsonl" })

const add = (upload_id: string, bytes: number) =>
  Effect.map(
    succeed("addUploadPart", { params: { upload_id }, body: { data: new Blob([new Uint8Array(pattern(bytes))]) } }),
    idOf
  )

/** The id of a File. */
const file = (bytes: number, change: object = {}) =>
  Effect.gen(function*() {
    const upload_id = idOf(yield* succeed("createUpload", { body: { ...training(bytes), ...change } }))
    const part_ids = [yield* add(upload_id, bytes)]
    return idOf(fileOf(yield* succeed("completeUpload", { params: { upload_id }, body: { part_ids } })))
  })

describe("the published description holds", () => {
  it.effect("for the life of an Upload and of its File", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_000)
      const expires_after = { anchor: "created_at", seconds: 3600 }
      for (const purpose of ["assistants", "batch", "fine-tune", "vision"]) {
        const body = { ...training(30), purpose, expires_after }
        const upload_id = idOf(yield* succeed("createUpload", { body }))
        const part_ids = [yield* add(upload_id, 10), yield* add(upload_id, 20)]
        const completed = yield* succeed("completeUpload", { params: { upload_id }, body: { part_ids } })
        const file_id = idOf(fileOf(completed))
        expect(yield* succeed("retrieveFile", { params: { file_id } })).toEqual(fileOf(completed))
        const { body: content } = yield* send("downloadFile", { params: { file_id } })
        expect(content).toEqual(Buffer.concat([pattern(10), pattern(20)]))
        yield* succeed("deleteFile", { params: { file_id } })
        expect((yield* send("retrieveFile", { params: { file_id } })).status).toBe(404)
      }
      const upload_id = idOf(yield* succeed("createUpload", { body: training(0) }))
      yield* succeed("cancelUpload", { params: { upload_id } })
    }).pipe(Effect.provide(routes)))

  it.effect("for a File that is created at once, with each purpose and with a lifetime", () =>
    Effect.gen(function*() {
      for (const purpose of ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]) {
        const data = new File([new Uint8Array(pattern(100))], "Отчёт.jsonl")
        yield* succeed("createFile", { body: { file: data, purpose } })
        yield* succeed("createFile", {
          body: { file: data, purpose, expires_after: { anchor: "created_at", seconds: 2_592_000 } }
        })
      }
    }).pipe(Effect.provide(routes)))

  it.effect("for pages of any size, order and purpose, and for an empty one", () =>
    Effect.gen(function*() {
      expect(yield* succeed("listFiles")).toEqual({
        object: "list",
        data: [],
        first_id: "",
        last_id: "",
        has_more: false
      })
      const ids = [yield* file(1), yield* file(2, { purpose: "batch" }), yield* file(3)]
      const queries = [
        {},
        { limit: "2" },
        { order: "asc" },
        { order: "desc", limit: "1" },
        { purpose: "batch" },
        { purpose: "vision" },
        { after: ids[0] ?? "", order: "asc" },
        { after: ids[2] ?? "", order: "asc" }
      ]
      for (const query of queries) yield* succeed("listFiles", { query })
    }).pipe(Effect.provide(routes)))

  it.effect("for parts of a download and for its conditions", () =>
    Effect.gen(function*() {
      const params = { file_id: yield* file(10) }
      const etag = (yield* send("downloadFile", { params })).headers.get("etag") ?? ""
      const cases = [
        [206, { range: "bytes=1-2" }],
        [200, { range: "bytes=1-2,5-6" }],
        [416, { range: "bytes=10-" }],
        [304, { "if-none-match": etag }],
        [412, { "if-match": `"other"` }]
      ] as const
      for (const [status, headers] of cases) {
        expect([headers, (yield* send("downloadFile", { params, headers })).status]).toEqual([headers, status])
      }
    }).pipe(Effect.provide(routes)))
})

describe("the published error response is sent", () => {
  const data = new Blob([new Uint8Array(pattern(10))])
  const expires_after = { anchor: "created_at", seconds: 3600 }

  /** Requests that the description does not allow, or that it allows and the service rejects. */
  const rejected: ReadonlyArray<readonly [status: number, operationId: string, sent: Sent]> = [
    ...[
      {},
      { ...training(1), bytes: -1 },
      { ...training(1), bytes: "1" },
      { ...training(1), bytes: 1e300 },
      { ...training(1), filename: null },
      { ...training(1), filename: "" },
      { ...training(1), purpose: "fun" },
      { ...training(1), mime_type: "x" },
      { ...training(1), expires_after: 3600 },
      { ...training(1), expires_after: { ...expires_after, seconds: 1 } },
      { ...training(1), expires_after: { ...expires_after, anchor: "now" } },
      { ...training(1), expiresAfter: expires_after },
      [],
      [training(1)]
    ].map((body) => [400, "createUpload", { body }] as const),
    [400, "createUpload", {}],
    [415, "createUpload", { body: training(1), headers: { "content-type": "application/xml" } }],
    [415, "createUpload", { body: training(1), headers: { "content-encoding": "gzip" } }],
    [413, "createUpload", { body: { ...training(1), extra: "x".repeat(4 * 1024 * 1024) } }],
    [404, "addUploadPart", { params: { upload_id: "none" }, body: { data } }],
    [415, "addUploadPart", {
      params: { upload_id: "none" },
      body: { data },
      headers: { "content-type": "text/plain" }
    }],
    [404, "completeUpload", { params: { upload_id: "none" }, body: { part_ids: [] } }],
    [400, "completeUpload", { params: { upload_id: "none" }, body: {} }],
    [400, "completeUpload", { params: { upload_id: "none" }, body: { part_ids: [1] } }],
    [400, "completeUpload", { params: { upload_id: "none" }, body: { part_ids: [""] } }],
    [400, "completeUpload", { params: { upload_id: "none" }, body: { part_ids: [], md5: "x" } }],
    [400, "completeUpload", { params: { upload_id: "none" }, body: { part_ids: [], partIds: [] } }],
    [404, "cancelUpload", { params: { upload_id: "a/../b?x=1" } }],
    ...[
      { purpose: "batch" },
      { file: data },
      { file: data, purpose: "fun" },
      { file: "text", purpose: "batch" },
      { file: data, purpose: "batch", expires_after: 3600 },
      { file: data, purpose: "batch", expires_after: { seconds: 3600 } },
      { file: data, purpose: "batch", expires_after: { ...expires_after, seconds: "soon" } },
      { file: data, purpose: "batch", expiresAfter: expires_after }
    ].map((body) => [400, "createFile", { body }] as const),
    [415, "createFile", { body: { file: data, purpose: "batch" }, headers: { "content-type": "multipart/mixed" } }],
    ...[{ limit: "0" }, { limit: "x" }, { limit: "10001" }, { order: "x" }, { after: "none" }, { Order: "asc" }].map(
      (query) => [400, "listFiles", { query }] as const
    ),
    [404, "retrieveFile", { params: { file_id: "none" } }],
    [404, "downloadFile", { params: { file_id: "none" } }],
    [404, "deleteFile", { params: { file_id: "none" } }]
  ]
  it.effect("for each invalid request", () =>
    Effect.gen(function*() {
      for (const [status, operationId, sent] of rejected) {
        const reply = yield* exchange(operationId, sent)
        expect([operationId, sent, reply.status]).toEqual([operationId, sent, status])
      }
    }).pipe(Effect.provide(routes)))

  it.effect("for each state in which an Upload takes no more", () =>
    Effect.gen(function*() {
      const create = Effect.map(
        succeed("createUpload", { body: training(10) }),
        (upload) => ({ upload_id: idOf(upload) })
      )
      const completed = yield* create
      const part_ids = [yield* add(completed.upload_id, 10)]
      yield* succeed("completeUpload", { params: completed, body: { part_ids } })
      const cancelled = yield* create
      yield* succeed("cancelUpload", { params: cancelled })
      const short = yield* create
      const [part] = [yield* add(short.upload_id, 9)]
      for (const body of [{ part_ids: [part] }, { part_ids: [part, "none"] }, { part_ids: [], md5: "0".repeat(32) }]) {
        expect((yield* send("completeUpload", { params: short, body })).status).toBe(400)
      }
      const expired = yield* create
      yield* TestClock.adjust("1 hour")
      for (const params of [completed, cancelled, expired]) {
        expect((yield* send("addUploadPart", { params, body: { data } })).status).toBe(400)
        expect((yield* send("completeUpload", { params, body: { part_ids: [] } })).status).toBe(400)
        expect((yield* send("cancelUpload", { params })).status).toBe(400)
      }
    }).pipe(Effect.provide(routes)))

  it.effect("for each error of a service behind the routes", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsMemory.UploadsServiceTest
      const files = yield* FilesMemory.FilesServiceTest
      const malformed = new ServiceError.ResponseMalformed({
        problem: "it is HTML",
        response: new ErrorResponse({ status: 200 })
      })
      const errors: ReadonlyArray<readonly [status: number, error: ServiceError.ServiceError]> = [
        [401, new ServiceError.Unauthenticated({})],
        [403, new ServiceError.PermissionDenied({})],
        [429, new ServiceError.RateLimited({ retryAfter: Duration.seconds(1) })],
        [429, new ServiceError.QuotaExceeded({})],
        [502, new ServiceError.TransportFailed({ reason: "reset" })],
        [502, malformed],
        [503, new ServiceError.ServiceUnavailable({})],
        [504, new ServiceError.RequestTimeout({})]
      ]
      for (const [status, error] of errors) {
        for (const method of ["create", "addPart", "complete", "cancel"] as const) {
          yield* uploads.failNext(method, error)
        }
        for (const method of ["retrieve", "content", "list", "delete"] as const) yield* files.failNext(method, error)
        const upload = { upload_id: "upload_1" }
        const file = { file_id: "file-1" }
        const replies = [
          yield* send("createUpload", { body: training(1) }),
          yield* send("addUploadPart", { params: upload, body: { data } }),
          yield* send("completeUpload", { params: upload, body: { part_ids: ["part_1"] } }),
          yield* send("cancelUpload", { params: upload }),
          yield* send("retrieveFile", { params: file }),
          yield* send("listFiles"),
          yield* send("deleteFile", { params: file })
        ]
        expect([error._tag, ...replies.map(({ status }) => status)]).toEqual([error._tag, ...replies.map(() => status)])
        for (const { headers } of replies) {
          expect(headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null)
        }
      }
    }).pipe(Effect.provide(routes)))

  it.effect.prop(
    "or the published response, for any request that the description allows",
    [
      anyValue({ $ref: "#/components/schemas/CreateUploadRequest" }),
      anyValue({ $ref: "#/components/schemas/CompleteUploadRequest" }),
      FastCheck.string({ unit: "binary", minLength: 1, maxLength: 40 })
    ],
    ([create, complete, id]) =>
      Effect.gen(function*() {
        const isObject = (value: unknown): value is object => typeof value === "object" && value !== null
        if (!isObject(create) || !isObject(complete)) return expect.fail("they are objects")
        const created = yield* exchange("createUpload", { body: create })
        expect([200, 400]).toContain(created.status)
        const upload_id = created.status === 200 ? idOf(created.body) : id
        expect([200, 400, 404]).toContain(
          (yield* exchange("completeUpload", { params: { upload_id }, body: complete })).status
        )
        expect([200, 400, 404]).toContain((yield* exchange("cancelUpload", { params: { upload_id } })).status)
      }).pipe(Effect.provide(routes)),
    { fastCheck: { numRuns: 200 }, timeout: 120_000 }
  )
})
