import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { FileNotFound } from "@effect-uploads/domain/FileError"
import {
  BytesMismatch,
  ChecksumMismatch,
  InvalidRequest,
  PartNotFound,
  PartTooLarge,
  UploadAlreadyCancelled,
  UploadAlreadyCompleted,
  UploadExpired,
  UploadNotFound,
  UploadSizeExceeded
} from "@effect-uploads/domain/UploadError"
import { DomainError, ErrorEnvelope } from "@effect-uploads/http/ErrorEnvelope"
import { toReply } from "@effect-uploads/http/ErrorMapping"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as FilesService from "@effect-uploads/http/FilesService"
import type { PartDataError } from "@effect-uploads/http/PartData"
import { PartLengthMismatch, PartUnreadable } from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import {
  PermissionDenied,
  QuotaExceeded,
  RateLimited,
  RequestTimeout,
  ResponseMalformed,
  ServiceError,
  ServiceUnavailable,
  TransportFailed,
  Unauthenticated
} from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ownFields } from "./support/errors.js"
import { hop, memory, served, url } from "./support/server.js"
import type { Method } from "./support/stub.js"
import { calls, uploadId } from "./support/stub.js"

// -----------------------------------------------------------------------------------------------------------------
// Through the routes
// -----------------------------------------------------------------------------------------------------------------

const behind = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

const once = { retryPolicy: RetryPolicy.none }

const seen: Array<string> = []
const noting = {
  ...once,
  transformClient: HttpClient.tapRequest((request) => Effect.sync(() => seen.push(new URL(request.url).port)))
}

const ways = {
  "client → routes → memory": hop(behind, FetchHttpClient.layer, once).pipe(Layer.provideMerge(behind)),
  "client → routes → client → routes → memory": hop(
    hop(behind, NodeHttpClient.layerUndici, noting),
    NodeHttpClient.layer,
    noting
  ).pipe(Layer.provideMerge(behind))
}

type DomainOf<E> = Exclude<E, ServiceError | PartDataError>

/** One arbitrary a domain error of a method: a method that gets another error does not compile until it is here. */
type Arbitraries<E extends { readonly _tag: string }> = {
  readonly [Tag in E["_tag"]]: FastCheck.Arbitrary<Extract<E, { readonly _tag: Tag }>>
}

const anyRequest = { InvalidRequest: Arbitrary.make(InvalidRequest) }

const anyUpload = {
  ...anyRequest,
  UploadNotFound: Arbitrary.make(UploadNotFound),
  UploadAlreadyCompleted: Arbitrary.make(UploadAlreadyCompleted),
  UploadAlreadyCancelled: Arbitrary.make(UploadAlreadyCancelled),
  UploadExpired: Arbitrary.make(UploadExpired)
}

const anyFile = { ...anyRequest, FileNotFound: Arbitrary.make(FileNotFound) }

const uploadErrors: {
  readonly [M in keyof UploadsService.Errors]: Arbitraries<DomainOf<UploadsService.Errors[M]>>
} = {
  create: anyRequest,
  addPart: {
    ...anyUpload,
    PartTooLarge: Arbitrary.make(PartTooLarge),
    UploadSizeExceeded: Arbitrary.make(UploadSizeExceeded)
  },
  complete: {
    ...anyUpload,
    PartNotFound: Arbitrary.make(PartNotFound),
    BytesMismatch: Arbitrary.make(BytesMismatch),
    ChecksumMismatch: Arbitrary.make(ChecksumMismatch)
  },
  cancel: anyUpload
}

const fileErrors: { readonly [M in keyof FilesService.Errors]: Arbitraries<DomainOf<FilesService.Errors[M]>> } = {
  retrieve: anyFile,
  content: anyFile,
  list: anyRequest,
  delete: anyFile
}

const samples = <A>(arbitrary: FastCheck.Arbitrary<A>, numRuns = 12): ReadonlyArray<A> =>
  FastCheck.sample(arbitrary, { numRuns, seed: 20_250_901 })

type Handles = UploadsMemory.UploadsServiceTest | FilesMemory.FilesServiceTest

/** The routes look for the File before its content: what its content fails with shows on a File that is there. */
const contentOfOne = Effect.gen(function*() {
  const uploads = yield* UploadsService.UploadsService
  const files = yield* FilesService.FilesService
  const { id } = yield* uploads.create({
    filename: "a.jsonl",
    purpose: "fine-tune",
    bytes: 0,
    mimeType: "text/jsonl"
  })
  const { file } = yield* uploads.complete(id, { partIds: [] })
  return yield* Stream.runCollect(files.content(file.id))
})

describe.each(Object.entries(ways))("%s", (_, layer) => {
  /** The error that the caller receives when the service fails. */
  const arrives = <E>(method: Method, failNext: (error: E) => Effect.Effect<void, never, Handles>, error: E) =>
    Effect.zipRight(failNext(error), Effect.flip({ ...calls, content: contentOfOne }[method]))

  describe("a domain error arrives with its tag and its own fields", () => {
    const survives = <E extends { readonly _tag: string }>(
      method: Method,
      arbitraries: { readonly [Tag in E["_tag"]]: FastCheck.Arbitrary<E> },
      failNext: (error: E) => Effect.Effect<void, never, Handles>
    ) =>
      describe(method, () => {
        it.effect.each(Object.entries<FastCheck.Arbitrary<E>>(arbitraries))("%s", ([tag, arbitrary]) =>
          Effect.gen(function*() {
            for (const raised of samples(arbitrary)) {
              const arrived = yield* arrives(method, failNext, raised)
              expect(raised._tag).toBe(tag)
              expect(arrived.constructor).toBe(raised.constructor)
              expect(ownFields(arrived)).toEqual(ownFields(raised))
              expect(Predicate.hasProperty(arrived, "response") && arrived.response).toMatchObject({
                status: expect.any(Number),
                message: expect.any(String)
              })
            }
          }).pipe(Effect.provide(layer)))
      })

    const uploads = <M extends keyof UploadsService.Errors>(method: M) =>
      survives<DomainOf<UploadsService.Errors[M]>>(
        method,
        uploadErrors[method],
        (error) => Effect.flatMap(UploadsMemory.UploadsServiceTest, (handle) => handle.failNext(method, error))
      )

    uploads("create")
    uploads("addPart")
    uploads("complete")
    uploads("cancel")

    const files = <M extends keyof FilesService.Errors>(method: M) =>
      survives<DomainOf<FilesService.Errors[M]>>(
        method,
        fileErrors[method],
        (error) => Effect.flatMap(FilesMemory.FilesServiceTest, (handle) => handle.failNext(method, error))
      )

    files("retrieve")
    files("content")
    files("list")
    files("delete")
  })

  describe("an error of the service behind the routes", () => {
    const raise = (error: UploadsService.Errors["addPart"]) =>
      Effect.map(
        arrives(
          "addPart",
          (error: UploadsService.Errors["addPart"]) =>
            Effect.flatMap(UploadsMemory.UploadsServiceTest, (handle) => handle.failNext("addPart", error)),
          error
        ),
        ownFields
      )

    it.effect.prop(
      "Unauthenticated, PermissionDenied and QuotaExceeded arrive unchanged",
      [Arbitrary.make(Schema.Union(Unauthenticated, PermissionDenied, QuotaExceeded))],
      ([error]) =>
        Effect.gen(function*() {
          expect(yield* raise(error)).toEqual(ownFields(error))
        }).pipe(Effect.provide(layer)),
      { fastCheck: { numRuns: 20, seed: 1 } }
    )

    it.effect("RateLimited and ServiceUnavailable arrive with their delay", () =>
      Effect.gen(function*() {
        for (const retryAfter of [Duration.zero, Duration.millis(1), Duration.millis(1500), Duration.days(40)]) {
          for (const error of [new RateLimited({ retryAfter }), new ServiceUnavailable({ retryAfter })]) {
            expect(yield* raise(error)).toEqual({ _tag: error._tag, retryAfter })
          }
        }
        expect(yield* raise(new RateLimited({}))).toEqual({ _tag: "RateLimited" })
        expect(yield* raise(new ServiceUnavailable({}))).toEqual({ _tag: "ServiceUnavailable" })
        const forever = yield* raise(new RateLimited({ retryAfter: Duration.infinity }))
        expect(forever).toMatchObject({ _tag: "RateLimited", retryAfter: expect.anything() })
      }).pipe(Effect.provide(layer)))

    it.effect("a failure between a gateway and its service arrives as ServiceUnavailable with the original message", () =>
      Effect.gen(function*() {
        const met = [
          new TransportFailed({ reason: "connect ECONNREFUSED", cause: new Error("connect ECONNREFUSED") }),
          new RequestTimeout({ after: Duration.minutes(10) }),
          new ResponseMalformed({ problem: "status 302", response: new ErrorResponse({ status: 302, excerpt: "<p>" }) })
        ]
        for (const error of met) {
          const handle = yield* UploadsMemory.UploadsServiceTest
          yield* handle.failNext("cancel", error)
          const arrived = yield* Effect.flip(calls.cancel)
          expect(ownFields(arrived)).toEqual({ _tag: "ServiceUnavailable" })
          expect(arrived.message).toContain(error.message)
        }
      }).pipe(Effect.provide(layer)))

    it.effect("data of a part that could not be read arrives as InvalidRequest, whatever its message", () =>
      Effect.gen(function*() {
        for (
          const error of [
            new PartUnreadable({ cause: new Error("the upload is cancelled: 70 MB exceed the limit, md5 not found") }),
            new PartLengthMismatch({ declared: 10, actual: 9 })
          ]
        ) {
          expect(yield* raise(error)).toEqual({ _tag: "InvalidRequest", field: "data", problem: error.message })
        }
      }).pipe(Effect.provide(layer)))

    it.effect("a used-up quota arrives as QuotaExceeded whatever its code is", () =>
      Effect.gen(function*() {
        const response = new ErrorResponse({ status: 402, type: "billing", code: "payment_required", message: "Pay" })
        const handle = yield* UploadsMemory.UploadsServiceTest
        yield* handle.failNext("create", new QuotaExceeded({ response }))
        const arrived = yield* Effect.flip(calls.create)
        expect(arrived).toMatchObject({ _tag: "QuotaExceeded", response: { type: "billing", message: "Pay" } })
      }).pipe(Effect.provide(layer)))
  })

  it.effect("message, type, code, param and request id of another service are passed on", () =>
    Effect.gen(function*() {
      const response = new ErrorResponse({
        status: 409,
        requestId: "req_123",
        message: "Upload is in the wrong state",
        type: "conflict",
        code: "wrong_state",
        param: "id"
      })
      const handle = yield* UploadsMemory.UploadsServiceTest
      yield* handle.failNext("cancel", new UploadAlreadyCancelled({ uploadId, response }))
      expect(yield* Effect.flip(calls.cancel)).toMatchObject({
        _tag: "UploadAlreadyCancelled",
        response: { ...response, status: 400 }
      })
      // A request id that a header cannot carry is left out.
      yield* handle.failNext(
        "cancel",
        new UploadExpired({ uploadId, response: new ErrorResponse({ status: 400, requestId: "☃\nx: y" }) })
      )
      const expired = yield* Effect.flip(calls.cancel)
      expect(ownFields(expired)).toEqual({ _tag: "UploadExpired", uploadId })
      expect(expired).not.toHaveProperty("response.requestId")
    }).pipe(Effect.provide(layer)))
})

it.effect("the test of a gateway makes two requests", () =>
  Effect.gen(function*() {
    seen.length = 0
    yield* Effect.flip(calls.cancel)
    expect(new Set(seen).size).toBe(2)
  }).pipe(Effect.provide(ways["client → routes → client → routes → memory"])))

// -----------------------------------------------------------------------------------------------------------------
// The envelope
// -----------------------------------------------------------------------------------------------------------------

describe("the error envelope", () => {
  const decode = Schema.decodeUnknownSync(Schema.parseJson(ErrorEnvelope), { onExcessProperty: "error" })
  const documented = ["code", "message", "param", "type"]

  it.prop(
    "the envelope has the documented keys, and `details` for a domain error",
    [Arbitrary.make(Schema.Union(DomainError, ServiceError))],
    ([error]) => {
      const { envelope, headers, status } = toReply(error)
      const isDomainError = Schema.is(DomainError)(error)
      expect(Object.keys(envelope)).toEqual(["error"])
      expect(Object.keys(envelope.error).sort()).toEqual(isDomainError ? [...documented, "details"].sort() : documented)
      expect(envelope.error.message).not.toBe("")
      expect(decode(JSON.stringify(envelope)).error.details?._tag).toBe(isDomainError ? error._tag : undefined)
      expect(Array.from(new Headers(headers).keys()).sort()).toEqual(Object.keys(headers).sort())
      expect(status).toBeGreaterThanOrEqual(400)
      // The official clients send a 409 again.
      expect(status).not.toBe(409)
    },
    { fastCheck: { numRuns: 300, seed: 2 } }
  )

  it.effect("the envelope is the whole body of an error response", () =>
    Effect.gen(function*() {
      const address = `${yield* url}/uploads/${uploadId}/cancel`
      expect(yield* Effect.promise(() => fetch(address, { method: "POST" }).then((response) => response.json())))
        .toEqual({
          error: {
            message: "Upload upload_1 was not found",
            type: "invalid_request_error",
            param: "upload_id",
            code: "upload_not_found",
            details: { _tag: "UploadNotFound", uploadId }
          }
        })
    }).pipe(Effect.provide(served.pipe(Layer.provide(memory)))))
})
