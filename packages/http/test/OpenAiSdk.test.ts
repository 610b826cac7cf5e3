import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { FileNotFound } from "@effect-uploads/domain/FileError"
import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as UploadError from "@effect-uploads/domain/UploadError"
import { documented, UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { MaximumFileBytes } from "@effect-uploads/http/CreateFile"
import type { ApiError } from "@effect-uploads/http/ErrorMapping"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import type * as FilesService from "@effect-uploads/http/FilesService"
import { PartLengthMismatch, PartUnreadable } from "@effect-uploads/http/PartData"
import * as ServiceError from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import OpenAI, { toFile, toStreamingFile } from "openai"
import { pattern } from "./support/contract.js"
import { served, url } from "./support/server.js"

const services = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

const server = served.pipe(Layer.provideMerge(services))

const makeSdk = (maxRetries = 0) =>
  Effect.map(url, (baseURL) => new OpenAI({ apiKey: "sk-test-not-a-real-key", baseURL, maxRetries }))

const call = <A>(f: () => Promise<A>) => Effect.promise(f)

/** The error with which a call rejects. */
const rejection = (f: () => Promise<unknown>) => Effect.flip(Effect.tryPromise({ try: f, catch: identity }))

const training = (bytes: number): OpenAI.Uploads.UploadCreateParams => ({
  filename: "data.jsonl",
  purpose: "fine-tune",
  bytes,
  mime_type: "text/jsonl"
})

const contents = (sdk: OpenAI, fileId: string) =>
  call(async () => Buffer.from(await (await sdk.files.content(fileId)).arrayBuffer()))

const fileIdOf = (upload: OpenAI.Uploads.Upload) =>
  upload.file?.id === undefined ? Effect.dieMessage("a completed Upload has its File") : Effect.succeed(upload.file.id)

/** The id of a File that the SDK uploaded in one part. */
const fileOf = (sdk: OpenAI, filename: string, bytes: Uint8Array) =>
  Effect.gen(function*() {
    const upload = yield* call(() => sdk.uploads.create({ ...training(bytes.length), filename }))
    const part = yield* call(async () => sdk.uploads.parts.create(upload.id, { data: await toFile(bytes) }))
    const completed = yield* call(() => sdk.uploads.complete(upload.id, { part_ids: [part.id] }))
    return yield* fileIdOf(completed)
  })

describe("the official SDK (openai)", () => {
  it.effect("creates an Upload, adds parts, completes it, and reads and deletes its File", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_000)
      const sdk = yield* makeSdk()
      const data = pattern(200_000)
      const upload = yield* call(() =>
        sdk.uploads.create({ ...training(data.length), expires_after: { anchor: "created_at", seconds: 7200 } })
      )
      expect(upload).toEqual({
        id: expect.stringMatching(/^upload_[0-9a-f]{32}$/),
        object: "upload",
        bytes: data.length,
        created_at: 1_700_000_000,
        expires_at: 1_700_003_600,
        filename: "data.jsonl",
        purpose: "fine-tune",
        status: "pending"
      })

      const parts = yield* call(() =>
        Promise.all(
          [data.subarray(0, 150_000), data.subarray(150_000)].map(async (bytes) =>
            sdk.uploads.parts.create(upload.id, { data: await toFile(bytes) })
          )
        )
      )
      for (const part of parts) {
        expect(part).toEqual({
          id: expect.stringMatching(/^part_[0-9a-f]{32}$/),
          object: "upload.part",
          created_at: 1_700_000_000,
          upload_id: upload.id
        })
      }

      const md5 = createHash("md5").update(data).digest("hex")
      const completed = yield* call(() => sdk.uploads.complete(upload.id, { part_ids: parts.map(({ id }) => id), md5 }))
      const file = {
        id: expect.stringMatching(/^file-[0-9A-Za-z]{22}$/),
        object: "file",
        bytes: data.length,
        created_at: 1_700_000_000,
        expires_at: 1_700_007_200,
        filename: "data.jsonl",
        purpose: "fine-tune",
        status: "processed"
      }
      expect(completed).toEqual({ ...upload, status: "completed", file })

      const fileId = yield* fileIdOf(completed)
      expect(yield* call(() => sdk.files.retrieve(fileId))).toEqual(file)
      expect(yield* call(() => sdk.files.waitForProcessing(fileId))).toEqual(file)
      expect((yield* contents(sdk, fileId)).equals(data)).toBe(true)
      expect(yield* call(() => sdk.files.delete(fileId))).toEqual({ id: fileId, object: "file", deleted: true })
      expect(yield* rejection(() => sdk.files.retrieve(fileId))).toBeInstanceOf(OpenAI.NotFoundError)
    }).pipe(Effect.provide(server)))

  it.effect("cancels an Upload", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk()
      const upload = yield* call(() => sdk.uploads.create(training(1)))
      expect(yield* call(() => sdk.uploads.cancel(upload.id))).toEqual({ ...upload, status: "cancelled" })
    }).pipe(Effect.provide(server)))

  it.scoped("adds a part in each form that the SDK accepts", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk()
      const baseURL = yield* url
      const data = pattern(70_001)
      const bytes = new Uint8Array(data)
      const directory = yield* Effect.acquireRelease(
        call(() => mkdtemp(join(tmpdir(), "part-"))),
        (directory) => call(() => rm(directory, { recursive: true }))
      )
      const path = join(directory, "Отчёт 📄.jsonl")
      yield* call(() => writeFile(path, data))
      const existing = yield* fileOf(sdk, "a.jsonl", data)

      const forms: Record<string, () => Promise<OpenAI.Uploads.PartCreateParams["data"]>> = {
        "a File": async () => new File([bytes], "data.bin"),
        "a File with a name beyond Latin-1": async () => new File([bytes], "Отчёт \"1\"\\📄\r\n.jsonl"),
        "bytes": () => toFile(data),
        "a Blob": () => toFile(new Blob([bytes]), "../../data"),
        "an iterable of bytes": () => toFile(createReadStream(path)),
        "a read stream of a file": async () => createReadStream(path),
        "a stream without buffering": async () => toStreamingFile(createReadStream(path), "data.bin"),
        "a Response": () => fetch(`${baseURL}/files/${existing}/content`)
      }
      for (const [name, form] of Object.entries(forms)) {
        const upload = yield* call(() => sdk.uploads.create(training(data.length)))
        const part = yield* call(async () => sdk.uploads.parts.create(upload.id, { data: await form() }))
        const completed = yield* call(() => sdk.uploads.complete(upload.id, { part_ids: [part.id] }))
        const stored = yield* contents(sdk, yield* fileIdOf(completed))
        expect([name, stored.equals(data)]).toEqual([name, true])
      }
    }).pipe(Effect.provide(server)))

  it.scoped("creates a File in each form that the SDK accepts", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_000)
      const sdk = yield* makeSdk()
      const data = pattern(250_001)
      const directory = yield* Effect.acquireRelease(
        call(() => mkdtemp(join(tmpdir(), "file-"))),
        (directory) => call(() => rm(directory, { recursive: true }))
      )
      const path = join(directory, "Отчёт 📄.jsonl")
      yield* call(() => writeFile(path, data))
      const expires_after = { anchor: "created_at", seconds: 3600 } as const

      // The SDK sends the fields in the order of the parameters.
      const forms: Record<string, () => Promise<OpenAI.Files.FileCreateParams>> = {
        "a.jsonl": async () => ({ file: await toFile(data, "a.jsonl"), purpose: "fine-tune", expires_after }),
        "b.jsonl": async () => ({ purpose: "fine-tune", expires_after, file: await toFile(data, "b.jsonl") }),
        "Отчёт 📄.jsonl": async () => ({ expires_after, file: createReadStream(path), purpose: "fine-tune" }),
        "Отчёт \"1\" 📄.jsonl": async () => ({
          file: new File([new Uint8Array(data)], "Отчёт \"1\" 📄.jsonl"),
          expires_after,
          purpose: "fine-tune"
        })
      }
      for (const [filename, form] of Object.entries(forms)) {
        const file = yield* call(async () => sdk.files.create(await form()))
        expect(file).toEqual({
          id: expect.stringMatching(/^file-[0-9A-Za-z]{22}$/),
          object: "file",
          bytes: data.length,
          created_at: 1_700_000_000,
          expires_at: 1_700_003_600,
          filename,
          purpose: "fine-tune",
          status: "processed"
        })
        expect(yield* call(() => sdk.files.waitForProcessing(file.id))).toEqual(file)
        expect((yield* contents(sdk, file.id)).equals(data)).toBe(true)
      }
      // Only the required parameters.
      const file = yield* call(async () => sdk.files.create({ file: await toFile(data), purpose: "batch" }))
      expect(file).toMatchObject({ filename: "unknown_file", expires_at: 1_700_000_000 + 30 * 24 * 3600 })
    }).pipe(Effect.provide(server)))

  it.effect("iterates over all pages of a list", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk()
      const handle = yield* FilesMemory.FilesServiceTest
      for (const name of ["1", "2", "3", "4", "5"]) {
        yield* fileOf(sdk, name, pattern(1))
        yield* TestClock.adjust("1 second")
      }
      const names = (query: OpenAI.FileListParams) =>
        call(async () => {
          const found: Array<string> = []
          for await (const file of sdk.files.list(query)) found.push(file.filename)
          return found.join("")
        })
      expect(yield* names({ limit: 2 })).toBe("54321")
      expect(yield* handle.calls("list")).toBe(3)
      expect(yield* names({ limit: 5, order: "asc" })).toBe("12345")
      expect(yield* handle.calls("list")).toBe(4)
      expect(yield* names({ limit: 1, order: "asc", purpose: "fine-tune" })).toBe("12345")
      expect(yield* names({})).toBe("54321")
      expect(yield* names({ purpose: "vision" })).toBe("")
      expect(yield* call(async () => (await sdk.files.list({ purpose: "vision" })).hasNextPage())).toBe(false)
      const page = yield* call(() => sdk.files.list({ limit: 2, order: "asc" }))
      expect(page.data.map(({ filename }) => filename)).toEqual(["1", "2"])
      expect(page.hasNextPage()).toBe(true)
    }).pipe(Effect.provide(server)))
})

describe("an official SDK (openai) with keys of its user's own", () => {
  it.effect("may send any that resembles no known one", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk()
      const extra = { metadata: { owner: "me" }, user: "u", retention_days: 30 }
      const upload = yield* call(() => sdk.uploads.create({ ...training(3), ...extra }))
      const part = yield* call(async () =>
        sdk.uploads.parts.create(upload.id, { data: await toFile(pattern(3)), ...{ checksum: "x" } })
      )
      const completed = yield* call(() => sdk.uploads.complete(upload.id, { part_ids: [part.id], ...extra }))
      expect(completed.status).toBe("completed")
      const file = yield* call(async () =>
        sdk.files.create({ file: await toFile(pattern(3), "a.jsonl"), purpose: "fine-tune", ...extra })
      )
      expect(file).toMatchObject({ bytes: 3, filename: "a.jsonl" })
      expect(yield* call(async () => (await sdk.files.list({}, { query: { project: "p" } })).data.length)).toBe(2)
    }).pipe(Effect.provide(server)))

  it.effect("gets 400 for one that resembles a known one, and creates nothing", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk()
      const handle = yield* UploadsMemory.UploadsServiceTest
      for (
        const [key, value] of [["expiresAfter", { seconds: 3600 }], ["expires_in", 3600], ["mimeType", "x/y"]] as const
      ) {
        const error = yield* rejection(() => sdk.uploads.create({ ...training(3), [key]: value }))
        expect(error).toMatchObject({ status: 400, param: key, type: "invalid_request_error" })
      }
      const error = yield* rejection(async () =>
        sdk.files.create({ file: await toFile(pattern(3)), purpose: "batch", ...{ expiresAfter: { seconds: 3600 } } })
      )
      expect(error).toMatchObject({ status: 400, param: "expiresAfter[seconds]" })
      expect(yield* handle.uploads).toEqual([])
    }).pipe(Effect.provide(server)))
})

// -----------------------------------------------------------------------------------------------------------------
// Errors
// -----------------------------------------------------------------------------------------------------------------

const uploadId = UploadId.make("upload_1")
const fileId = FileId.make("file-1")

/** A call of the SDK for each method of the services. */
const send: Readonly<
  Record<keyof UploadsService.Errors | keyof FilesService.Errors, (sdk: OpenAI) => Promise<unknown>>
> = {
  create: (sdk) => sdk.uploads.create(training(1)),
  addPart: async (sdk) => sdk.uploads.parts.create(uploadId, { data: await toFile(pattern(100_000)) }),
  complete: (sdk) => sdk.uploads.complete(uploadId, { part_ids: ["part_1"] }),
  cancel: (sdk) => sdk.uploads.cancel(uploadId),
  retrieve: (sdk) => sdk.files.retrieve(fileId),
  content: (sdk) => sdk.files.content(fileId),
  list: (sdk) => sdk.files.list(),
  delete: (sdk) => sdk.files.delete(fileId)
}

interface Failing {
  readonly error: ApiError
  readonly send: (sdk: OpenAI) => Promise<unknown>
  readonly failNext: Effect.Effect<void, never, UploadsMemory.UploadsServiceTest | FilesMemory.FilesServiceTest>
}

const failing = <Method extends keyof UploadsService.Errors>(
  method: Method,
  error: UploadsService.Errors[Method]
): Failing => ({
  error,
  send: send[method],
  failNext: Effect.flatMap(UploadsMemory.UploadsServiceTest, (handle) => handle.failNext(method, error))
})

const failingFiles = <Method extends keyof FilesService.Errors>(
  method: Method,
  error: FilesService.Errors[Method]
): Failing => ({
  error,
  send: send[method],
  failNext: Effect.flatMap(FilesMemory.FilesServiceTest, (handle) => handle.failNext(method, error))
})

interface ErrorCase extends Failing {
  readonly as: typeof OpenAI.APIError<number | undefined, Headers | undefined, object | undefined>
  readonly status: number
  readonly type?: string
  readonly code: string | null
  readonly param: string | null
}

const { APIError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, PermissionDeniedError } =
  OpenAI
const { RateLimitError } = OpenAI

const badRequest = { as: BadRequestError, status: 400 } as const
const serverError = { as: InternalServerError, type: "server_error", param: null } as const

/** Every error of a service. The type requires a case for each tag. */
const errorCases: Readonly<Record<ApiError["_tag"], ErrorCase>> = {
  InvalidRequest: {
    ...badRequest,
    ...failing(
      "create",
      new UploadError.InvalidRequest({ field: "expires_after.seconds", problem: "got 1", limit: "at least 3600" })
    ),
    code: null,
    param: "expires_after.seconds"
  },
  UploadNotFound: {
    ...failing("cancel", new UploadError.UploadNotFound({ uploadId })),
    as: NotFoundError,
    status: 404,
    code: "upload_not_found",
    param: "upload_id"
  },
  UploadAlreadyCompleted: {
    ...badRequest,
    ...failing("complete", new UploadError.UploadAlreadyCompleted({ uploadId, fileId })),
    code: "upload_already_completed",
    param: "upload_id"
  },
  UploadAlreadyCancelled: {
    ...badRequest,
    ...failing("addPart", new UploadError.UploadAlreadyCancelled({ uploadId })),
    code: "upload_already_cancelled",
    param: "upload_id"
  },
  UploadExpired: {
    ...badRequest,
    ...failing("addPart", new UploadError.UploadExpired({ uploadId })),
    code: "upload_expired",
    param: "upload_id"
  },
  PartNotFound: {
    ...badRequest,
    ...failing("complete", new UploadError.PartNotFound({ uploadId, partId: PartId.make("part_1") })),
    code: "part_not_found",
    param: "part_ids"
  },
  PartTooLarge: {
    ...failing("addPart", new UploadError.PartTooLarge({ uploadId, bytes: ByteSize.make(2), limit: ByteSize.make(1) })),
    as: APIError,
    status: 413,
    code: "part_too_large",
    param: "data"
  },
  UploadSizeExceeded: {
    ...badRequest,
    ...failing("addPart", new UploadError.UploadSizeExceeded({ uploadId, declared: ByteSize.make(1) })),
    code: "upload_size_exceeded",
    param: "data"
  },
  BytesMismatch: {
    ...badRequest,
    ...failing(
      "complete",
      new UploadError.BytesMismatch({ uploadId, declared: ByteSize.make(2), received: ByteSize.make(1) })
    ),
    code: "bytes_mismatch",
    param: "part_ids"
  },
  ChecksumMismatch: {
    ...badRequest,
    ...failing("complete", new UploadError.ChecksumMismatch({ uploadId })),
    code: "checksum_mismatch",
    param: "md5"
  },
  FileNotFound: {
    ...failingFiles("retrieve", new FileNotFound({ fileId })),
    as: NotFoundError,
    status: 404,
    code: "file_not_found",
    param: "file_id"
  },
  PartUnreadable: {
    ...badRequest,
    ...failing("addPart", new PartUnreadable({ cause: new Error("it is gone") })),
    code: "part_unreadable",
    param: "data"
  },
  PartLengthMismatch: {
    ...badRequest,
    ...failing("addPart", new PartLengthMismatch({ declared: 2, actual: 1 })),
    code: "part_unreadable",
    param: "data"
  },
  Unauthenticated: {
    ...failing("create", new ServiceError.Unauthenticated({})),
    as: AuthenticationError,
    status: 401,
    code: "invalid_api_key",
    param: null
  },
  PermissionDenied: {
    ...failing("cancel", new ServiceError.PermissionDenied({})),
    as: PermissionDeniedError,
    status: 403,
    code: "permission_denied",
    param: null
  },
  RateLimited: {
    ...failing("addPart", new ServiceError.RateLimited({ retryAfter: Duration.millis(1500) })),
    as: RateLimitError,
    status: 429,
    type: "rate_limit_error",
    code: "rate_limit_exceeded",
    param: null
  },
  QuotaExceeded: {
    ...failing("create", new ServiceError.QuotaExceeded({})),
    as: RateLimitError,
    status: 429,
    type: "insufficient_quota",
    code: "insufficient_quota",
    param: null
  },
  ServiceUnavailable: {
    ...serverError,
    ...failing("complete", new ServiceError.ServiceUnavailable({})),
    status: 503,
    code: "service_unavailable"
  },
  RequestTimeout: {
    ...serverError,
    ...failing("addPart", new ServiceError.RequestTimeout({ after: Duration.minutes(1) })),
    status: 504,
    code: "timeout"
  },
  TransportFailed: {
    ...serverError,
    ...failing("addPart", new ServiceError.TransportFailed({ reason: "connection refused" })),
    status: 502,
    code: "upstream_unreachable"
  },
  ResponseMalformed: {
    ...serverError,
    ...failing(
      "complete",
      new ServiceError.ResponseMalformed({ problem: "it is HTML", response: new ErrorResponse({ status: 200 }) })
    ),
    status: 502,
    code: "upstream_malformed"
  }
}

const upstreamResponse = new ErrorResponse({
  status: 418,
  requestId: "req_0123456789",
  message: "Message of another service",
  type: "its_type",
  code: "its_code",
  param: "its_param"
})

describe("the official SDK (openai) reports", () => {
  for (const [tag, { as, code, error, failNext, param, send, status, type }] of Object.entries(errorCases)) {
    it.effect(`${tag} as a ${as.name} with status ${status}`, () =>
      Effect.gen(function*() {
        expect(error._tag).toBe(tag)
        const sdk = yield* makeSdk()
        yield* failNext
        const thrown = yield* rejection(() => send(sdk))
        expect(thrown).toBeInstanceOf(as)
        expect(Object.getPrototypeOf(thrown)).toBe(as.prototype)
        expect(thrown).toMatchObject({
          status,
          code,
          param,
          type: type ?? "invalid_request_error",
          message: `${status} ${error.message}`
        })
      }).pipe(Effect.provide(server)))
  }

  it.effect("the message and the request id of the service behind a gateway", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk()
      const uploads = yield* UploadsMemory.UploadsServiceTest
      yield* uploads.failNext("cancel", new UploadError.UploadNotFound({ uploadId, response: upstreamResponse }))
      expect(yield* rejection(() => send.cancel(sdk))).toMatchObject({
        status: 404,
        requestID: "req_0123456789",
        message: "404 Message of another service",
        type: "its_type",
        code: "its_code",
        param: "its_param"
      })
      yield* uploads.failNext("cancel", new UploadError.UploadNotFound({ uploadId }))
      expect(yield* rejection(() => send.cancel(sdk))).toMatchObject({ requestID: null })
    }).pipe(Effect.provide(server)))

  it.effect("a success after retries of temporary errors, and permanent errors without a retry", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk(2)
      const uploads = yield* UploadsMemory.UploadsServiceTest
      yield* uploads.failNext("create", new ServiceError.RateLimited({ retryAfter: Duration.millis(1) }))
      yield* uploads.failNext("create", new ServiceError.ServiceUnavailable({ retryAfter: Duration.millis(1) }))
      const upload = yield* call(() => sdk.uploads.create(training(1)))
      expect(upload.status).toBe("pending")
      expect(yield* uploads.calls("create")).toBe(3)

      yield* call(() => sdk.uploads.cancel(upload.id))
      expect(yield* rejection(() => sdk.uploads.cancel(upload.id))).toBeInstanceOf(BadRequestError)
      expect(yield* uploads.calls("cancel")).toBe(2)
    }).pipe(Effect.provide(server)))

  it.effect("the delay before a retry", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk()
      yield* errorCases.RateLimited.failNext
      const error = yield* rejection(() => errorCases.RateLimited.send(sdk))
      const headers = error instanceof RateLimitError ? error.headers : new Headers()
      expect([headers.get("retry-after"), headers.get("retry-after-ms")]).toEqual(["2", "1500"])
    }).pipe(Effect.provide(server)))

  it.effect("the parameter, code and status of each invalid request", () =>
    Effect.gen(function*() {
      const sdk = yield* makeSdk()
      const part = async (id: string, bytes: number) =>
        sdk.uploads.parts.create(id, { data: await toFile(pattern(bytes)) })
      const wrong = (f: () => Promise<unknown>, expected: object) =>
        Effect.map(rejection(f), (error) => expect(error).toMatchObject({ type: "invalid_request_error", ...expected }))

      for (
        const [change, param] of [
          [{ filename: "" }, "filename"],
          [{ bytes: -1 }, "bytes"],
          [{ bytes: 1.5 }, "bytes"],
          [{ bytes: 8 * 1024 ** 3 + 1 }, "bytes"],
          [{ mime_type: "jsonl" }, "mime_type"],
          [{ expires_after: { anchor: "created_at", seconds: 3599 } }, "expires_after.seconds"]
        ] as const
      ) {
        yield* wrong(() => sdk.uploads.create({ ...training(1), ...change }), { status: 400, code: null, param })
      }

      yield* wrong(() => part("upload_0", 1), { status: 404, code: "upload_not_found", param: "upload_id" })
      const open = yield* call(() => sdk.uploads.create(training(20)))
      const first = yield* call(() => part(open.id, 10))
      yield* wrong(() => part(open.id, 11), { status: 413, code: "part_too_large", param: "data" })
      const second = yield* call(() => part(open.id, 9))
      // 20 bytes are declared: twice as many are stored, and four surplus parts of 10 bytes.
      yield* Effect.replicateEffect(call(() => part(open.id, 10)), 6)
      yield* wrong(() => part(open.id, 5), { status: 400, code: "upload_size_exceeded", param: "data" })
      const complete = (part_ids: Array<string>, md5?: string) => () =>
        sdk.uploads.complete(open.id, { part_ids, ...(md5 === undefined ? {} : { md5 }) })
      yield* wrong(complete([first.id, "part_0"]), { status: 400, code: "part_not_found", param: "part_ids" })
      yield* wrong(complete([first.id, second.id]), { status: 400, code: "bytes_mismatch", param: "part_ids" })
      const third = yield* call(() => part(open.id, 1))
      const part_ids = [first.id, second.id, third.id]
      yield* wrong(complete(part_ids, "0".repeat(32)), { status: 400, code: "checksum_mismatch", param: "md5" })
      yield* wrong(complete(part_ids, "0"), { status: 400, code: null, param: "md5" })
      yield* call(complete(part_ids))
      const completed = { status: 400, code: "upload_already_completed", param: "upload_id" }
      yield* wrong(complete(part_ids), completed)
      yield* wrong(() => part(open.id, 1), completed)
      yield* wrong(() => sdk.uploads.cancel(open.id), completed)

      const late = yield* call(() => sdk.uploads.create(training(1)))
      yield* TestClock.adjust("1 hour")
      yield* wrong(() => part(late.id, 1), { status: 400, code: "upload_expired", param: "upload_id" })

      const create = (change: object) => async () =>
        sdk.files.create({ file: await toFile(pattern(25)), purpose: "fine-tune", ...change })
      expect(yield* call(create({}))).toMatchObject({ bytes: 25 })
      yield* wrong(create({ file: new File([new Uint8Array(31)], "a.jsonl") }), {
        status: 400,
        code: null,
        param: "file"
      })
      yield* wrong(create({ file: undefined }), { status: 400, code: null, param: "file" })
      yield* wrong(create({ purpose: "fun" }), { status: 400, code: null, param: "purpose" })
      yield* wrong(create({ purpose: undefined }), { status: 400, code: null, param: "purpose" })
      const expires_after = { anchor: "created_at", seconds: 3599 }
      yield* wrong(create({ expires_after }), { status: 400, code: null, param: "expires_after.seconds" })

      yield* wrong(() => sdk.files.delete("file-0"), { status: 404, code: "file_not_found", param: "file_id" })
      yield* wrong(() => sdk.files.content("file-0"), { status: 404, code: "file_not_found", param: "file_id" })
      yield* wrong(() => sdk.files.list({ limit: 0 }), { status: 400, code: null, param: "limit" })
      yield* wrong(() => sdk.files.list({ after: "file-0" }), { status: 400, code: null, param: "after" })
      yield* wrong(() => sdk.files.list({}, { query: { order: "newest" } }), {
        param: "order",
        message: expect.stringContaining("asc or desc")
      })
      yield* wrong(() => sdk.files.list({}, { query: { Limit: 5 } }), { status: 400, param: "Limit" })
    }).pipe(
      Effect.provide(served.pipe(
        Layer.provideMerge(services),
        Layer.provide([
          Layer.succeed(UploadLimits, { ...documented, partBytes: ByteSize.make(10) }),
          Layer.succeed(MaximumFileBytes, ByteSize.make(30))
        ])
      ))
    ))
})

// -----------------------------------------------------------------------------------------------------------------
// Clients that send fewer headers
// -----------------------------------------------------------------------------------------------------------------

interface Reply {
  readonly status: number | undefined
  readonly body: unknown
}

/** Sends a request with exactly these headers, as a command line tool does. */
const post = (path: string, headers: Readonly<Record<string, string>>, body?: string) =>
  Effect.flatMap(url, (baseURL) =>
    Effect.async<Reply>((resume) => {
      const sent = request(`${baseURL}${path}`, { method: "POST", headers }, (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (chunk: string) => {
          text += chunk
        })
        response.on("end", () => resume(Effect.succeed({ status: response.statusCode, body: JSON.parse(text) })))
      })
      sent.end(body)
    }))

const onlyUpload = Effect.gen(function*() {
  const handle = yield* UploadsMemory.UploadsServiceTest
  const [upload] = yield* handle.uploads
  return upload ?? (yield* Effect.dieMessage("no Upload was created"))
})

describe("a command line tool", () => {
  const contentTypes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "the content type of a form, as curl -d does": { "content-type": "application/x-www-form-urlencoded" },
    "no content type": {},
    "another content type": { "content-type": "text/plain;charset=UTF-8" },
    "the content type of JSON": { "content-type": "application/json" }
  }
  for (const [name, headers] of Object.entries(contentTypes)) {
    it.effect(`sends JSON with ${name}, and a part as a text field`, () =>
      Effect.gen(function*() {
        const files = yield* FilesMemory.FilesServiceTest
        const created = yield* post("/uploads", headers, JSON.stringify(training(7)))
        expect(created).toMatchObject({ status: 200, body: { status: "pending" } })
        const upload = yield* onlyUpload
        const added = yield* post(
          `/uploads/${upload.id}/parts`,
          { "content-type": "multipart/form-data; boundary=------------------------d74496d66958873e" },
          "--------------------------d74496d66958873e\r\n" +
            "Content-Disposition: form-data; name=\"data\"\r\n\r\naGVsbG8\r\n" +
            "--------------------------d74496d66958873e--\r\n"
        )
        expect(added).toMatchObject({ status: 200, body: { object: "upload.part", upload_id: upload.id } })
        const [part] = yield* Effect.flatMap(UploadsMemory.UploadsServiceTest, (handle) => handle.parts(upload.id))
        const completed = yield* post(
          `/uploads/${upload.id}/complete`,
          headers,
          JSON.stringify({ part_ids: [part?.part.id] })
        )
        expect(completed).toMatchObject({ status: 200, body: { status: "completed" } })
        expect((yield* files.files).map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(["aGVsbG8"])
      }).pipe(Effect.provide(server)))
  }

  it.effect("cancels an Upload with no body and with any body", () =>
    Effect.gen(function*() {
      for (const body of [undefined, "", "{}", "x=1"]) {
        const { id } = yield* Effect.flatMap(
          UploadsService.UploadsService,
          (uploads) => uploads.create({ filename: "a", purpose: "batch", bytes: 1, mimeType: "text/jsonl" })
        )
        const cancelled = yield* post(`/uploads/${id}/cancel`, {}, body)
        expect(cancelled).toMatchObject({ status: 200, body: { id, status: "cancelled" } })
      }
    }).pipe(Effect.provide(server)))

  it.effect("gets 400 with a reason for malformed JSON", () =>
    Effect.gen(function*() {
      for (const body of [undefined, "", "{", "purpose=fine-tune", "[]", "null", "\"\""]) {
        expect(yield* post("/uploads", {}, body)).toMatchObject({
          status: 400,
          body: { error: { type: "invalid_request_error", code: null, message: expect.stringMatching(/^Invalid/) } }
        })
      }
    }).pipe(Effect.provide(server)))
})
