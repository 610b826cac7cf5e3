import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { documented, UploadLimits } from "@effect-uploads/domain/UploadLimits"
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { openAsBlob } from "node:fs"
import * as Http from "node:http"
import { pattern } from "./support/contract.js"
import { ownFields } from "./support/errors.js"
import { clients, served, url } from "./support/server.js"
import type { Method } from "./support/stub.js"
import { calls, methods, over, respond, stubHttpClient, uploadId, uploadJson } from "./support/stub.js"

type Respond = (
  request: HttpClientRequest.HttpClientRequest,
  signal: AbortSignal
) => Effect.Effect<Response, HttpClientError.HttpClientError>

const errorResponse = (status: number, headers?: HeadersInit, code: string | null = null): Respond => () =>
  Effect.sync(() =>
    respond(status, JSON.stringify({ error: { message: "no", type: "t", param: null, code } }), headers)
  )

const broken: Respond = (request) =>
  Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", cause: new Error("ECONNRESET") }))

const cancelled: Respond = () => Effect.sync(() => respond(200, uploadJson("cancelled")))

const standard = { retryPolicy: undefined }

/** The times of the attempts of a call, and its outcome. The last response is repeated. */
const attempts = (
  responses: readonly [Respond, ...ReadonlyArray<Respond>],
  options: Partial<ClientOptions> = standard,
  method: Method = "cancel"
) =>
  Effect.gen(function*() {
    const start = yield* Clock.currentTimeMillis
    const moments: Array<number> = []
    const client = stubHttpClient((request, signal) =>
      Effect.gen(function*() {
        const responder = responses[moments.length] ?? responses[responses.length - 1] ?? responses[0]
        moments.push((yield* Clock.currentTimeMillis) - start)
        return yield* responder(request, signal)
      })
    )
    const fiber = yield* Effect.fork(Effect.either(Effect.provide(calls[method], over(client, options))))
    yield* TestClock.adjust("1 day")
    const result = yield* Fiber.join(fiber)
    return { moments, result, tag: result._tag === "Left" ? result.left._tag : "success" }
  })

/** That three attempts were made, the first at once, the others after about half a second and a second. */
const expectStandard = (moments: ReadonlyArray<number>, taken = 0) => {
  const [first = -1, second = -1, third = -1] = moments
  expect(moments).toHaveLength(3)
  expect(first).toBe(0)
  expect(second - first - taken).toBeGreaterThanOrEqual(400)
  expect(second - first - taken).toBeLessThanOrEqual(600)
  expect(third - second - taken).toBeGreaterThanOrEqual(800)
  expect(third - second - taken).toBeLessThanOrEqual(1200)
}

describe("the failures that are retried", () => {
  it.effect.each(
    [
      ["a connection that breaks", broken, "TransportFailed"],
      ["408", errorResponse(408), "RequestTimeout"],
      ["409", errorResponse(409), "InvalidRequest"],
      ["400 with x-should-retry: true", errorResponse(400, { "x-should-retry": "true" }), "InvalidRequest"],
      [
        "409 that is a domain error with x-should-retry: true",
        errorResponse(409, { "x-should-retry": "true" }, "upload_cancelled"),
        "UploadAlreadyCancelled"
      ],
      ["429", errorResponse(429), "RateLimited"],
      ["500", errorResponse(500), "ServiceUnavailable"],
      ["502", errorResponse(502), "ServiceUnavailable"],
      ["503", errorResponse(503), "ServiceUnavailable"],
      ["504", errorResponse(504), "ServiceUnavailable"],
      ["529", errorResponse(529), "ServiceUnavailable"]
    ] as const
  )("%s is retried twice by default", ([, responder, expected]) =>
    Effect.gen(function*() {
      const { moments, tag } = yield* attempts([responder])
      expect(tag).toBe(expected)
      expectStandard(moments)
    }))

  it.effect("an attempt timeout is retried twice by default", () =>
    Effect.gen(function*() {
      const { moments, tag } = yield* attempts([() => Effect.never])
      expect(tag).toBe("RequestTimeout")
      expectStandard(moments, 600_000)
    }))

  it.effect.each(methods)("%s is retried twice by default", (method) =>
    Effect.gen(function*() {
      const { moments, tag } = yield* attempts([errorResponse(500)], standard, method)
      expect(tag).toBe("ServiceUnavailable")
      expectStandard(moments)
    }))

  it.effect("retries stop at the first response that is no failure", () =>
    Effect.gen(function*() {
      for (const responses of [[broken, cancelled], [errorResponse(429), errorResponse(503), cancelled]] as const) {
        const { moments, tag } = yield* attempts(responses)
        expect(tag).toBe("success")
        expect(moments).toHaveLength(responses.length)
      }
      const { moments, tag } = yield* attempts([broken, errorResponse(404)])
      expect([moments.length, tag]).toEqual([2, "UploadNotFound"])
    }))

  it.effect("each page of a list has retries of its own", () =>
    Effect.gen(function*() {
      const page = (id: string, more: boolean): Respond => () =>
        Effect.sync(() =>
          respond(
            200,
            JSON.stringify({
              object: "list",
              data: [{ id, bytes: 1, created_at: 1, filename: "a", purpose: "batch" }],
              first_id: id,
              last_id: id,
              has_more: more
            })
          )
        )
      const { moments, tag } = yield* attempts(
        [broken, broken, page("file-1", true), broken, broken, page("file-2", false)],
        standard,
        "list"
      )
      expect([moments.length, tag]).toEqual([6, "success"])
    }))

  it.effect.each(
    [
      ["400", errorResponse(400), "InvalidRequest"],
      ["401", errorResponse(401), "Unauthenticated"],
      ["403", errorResponse(403), "PermissionDenied"],
      ["404", errorResponse(404), "UploadNotFound"],
      ["409 that is a domain error", errorResponse(409, {}, "upload_cancelled"), "UploadAlreadyCancelled"],
      ["503 with x-should-retry: false", errorResponse(503, { "x-should-retry": "false" }), "ServiceUnavailable"],
      ["429 with x-should-retry: false", errorResponse(429, { "x-should-retry": "false" }), "RateLimited"],
      ["409 with x-should-retry: false", errorResponse(409, { "x-should-retry": "false" }), "InvalidRequest"],
      ["425", errorResponse(425), "InvalidRequest"],
      ["302", errorResponse(302), "ResponseMalformed"],
      ["a 200 with an unexpected body", errorResponse(200), "ResponseMalformed"],
      ["a used-up quota", errorResponse(429, {}, "insufficient_quota"), "QuotaExceeded"],
      [
        "a used-up quota with a delay",
        errorResponse(429, { "retry-after": "1" }, "insufficient_quota"),
        "QuotaExceeded"
      ],
      ["402", errorResponse(402), "QuotaExceeded"]
    ] as const
  )("%s is not retried", ([, responder, expected]) =>
    Effect.gen(function*() {
      expect(yield* attempts([responder])).toMatchObject({ moments: [0], tag: expected })
    }))

  it.effect("content is not retried after its first byte", () =>
    Effect.gen(function*() {
      const breaking: Respond = () =>
        Effect.sync(() => {
          let pulls = 0
          return respond(
            200,
            new ReadableStream({
              pull: (controller) =>
                pulls++ === 0 ? controller.enqueue(new Uint8Array(3)) : controller.error(new Error("ECONNRESET"))
            })
          )
        })
      expect(yield* attempts([breaking], standard, "content")).toMatchObject({ moments: [0], tag: "TransportFailed" })
    }))
})

describe("the delay before a retry", () => {
  const setTime = TestClock.setTime(DateTime.unsafeMake("2025-08-31T22:00:00Z").epochMillis)

  it.effect("the default delay has jitter", () =>
    Effect.gen(function*() {
      const delays = yield* Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) =>
        Effect.map(attempts([errorResponse(500)]), ({ moments }) => {
          expectStandard(moments)
          return moments[1]
        }).pipe(Effect.withRandom(Random.make(seed))))
      expect(new Set(delays).size).toBeGreaterThan(10)
    }))

  it.effect.each(
    [
      ["retry-after: 7", { "retry-after": "7" }, 7000],
      ["retry-after: 0", { "retry-after": "0" }, 0],
      ["retry-after:  1.5 ", { "retry-after": "1.5" }, 1500],
      ["retry-after-ms: 1234", { "retry-after-ms": "1234" }, 1234],
      ["retry-after-ms before retry-after", { "retry-after-ms": "20", "retry-after": "9" }, 20],
      ["retry-after where retry-after-ms cannot be read", { "retry-after-ms": "soon", "retry-after": "9" }, 9000],
      ["the longest delay that is obeyed", { "retry-after": "600" }, 600_000]
    ] as const
  )("the delay that the service asks for is obeyed: %s", ([, headers, delay]) =>
    Effect.gen(function*() {
      for (const status of [429, 503]) {
        const { moments, result } = yield* attempts([errorResponse(status, headers)])
        expect(moments).toEqual([0, delay, 2 * delay])
        expect(result).toMatchObject({ _tag: "Left", left: { retryAfter: Duration.millis(delay) } })
      }
    }))

  it.effect.each(
    [
      "Sun, 31 Aug 2025 22:01:30 GMT",
      "Sunday, 31-Aug-25 22:01:30 GMT",
      "Sun Aug 31 22:01:30 2025"
    ]
  )("the date in retry-after is obeyed: %s", (date) =>
    Effect.gen(function*() {
      yield* setTime
      const { moments, tag } = yield* attempts([errorResponse(503, { "retry-after": date }), cancelled])
      expect([moments, tag]).toEqual([[0, 90_000], "success"])
    }))

  it.effect.each([-2, 2])(
    "the date in retry-after is one of the service's clock, when the client's is %d hours ahead",
    (hours) =>
      Effect.gen(function*() {
        yield* setTime
        yield* TestClock.setTime((yield* Clock.currentTimeMillis) + hours * 3_600_000)
        const headers = { "retry-after": "Sun, 31 Aug 2025 22:01:30 GMT", date: "Sun, 31 Aug 2025 22:00:00 GMT" }
        const { moments, tag } = yield* attempts([errorResponse(503, headers), cancelled])
        expect([moments, tag]).toEqual([[0, 90_000], "success"])
      })
  )

  it.effect("is told to the listener with the failure, and no retry is told when there is none", () =>
    Effect.gen(function*() {
      const told: Array<readonly [tag: string, seconds: number]> = []
      const listening = Effect.provideService(
        RetryPolicy.RetryListener,
        ({ delay, error }) => Effect.sync(() => told.push([error._tag, Duration.toSeconds(delay)]))
      )
      const policy = { retryPolicy: Schedule.intersect(Schedule.spaced("3 seconds"), Schedule.recurs(2)) }
      const responses = [broken, errorResponse(503, { "retry-after": "7" }), broken] as const
      expect((yield* attempts(responses, policy).pipe(listening)).moments).toEqual([0, 3000, 10_000])
      expect(told).toEqual([["TransportFailed", 3], ["ServiceUnavailable", 7]])
      told.length = 0
      yield* attempts([errorResponse(503, { "retry-after": "601" })], policy).pipe(listening)
      yield* attempts([errorResponse(404)], policy).pipe(listening)
      expect(told).toEqual([])
    }))

  it.effect("the clock of the client counts for a date in retry-after when the response has no readable date", () =>
    Effect.gen(function*() {
      yield* setTime
      const headers = { "retry-after": "Sun, 31 Aug 2025 22:01:30 GMT", date: "yesterday" }
      const { moments } = yield* attempts([errorResponse(503, headers), cancelled])
      expect(moments).toEqual([0, 90_000])
    }))

  it.effect.each(["Asia/Tokyo", "America/New_York"])(
    "a date in retry-after has no local time zone: %s",
    (zone) =>
      Effect.gen(function*() {
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            const before = process.env["TZ"]
            process.env["TZ"] = zone
            return before
          }),
          (before) =>
            Effect.sync(() => {
              if (before === undefined) delete process.env["TZ"]
              else process.env["TZ"] = before
            })
        )
        yield* setTime
        const { moments } = yield* attempts([
          errorResponse(503, { "retry-after": "Sun Aug 31 22:01:30 2025" }),
          cancelled
        ])
        expect(moments).toEqual([0, 90_000])
      }).pipe(Effect.scoped)
  )

  it.effect.each(
    [
      "soon",
      "-5",
      "",
      "NaN",
      "Infinity",
      "1e3",
      "0x10",
      "5 seconds",
      "2025-08-31T23:00:00Z",
      "Sun, 31 Aug 2025 21:59:59 GMT",
      "Sun, 31 Aug 2025 22:00:00 GMT",
      "Mon, 99 Foo 2025 22:00:00 GMT"
    ]
  )("the default delay applies when retry-after is no delay: %j", (value) =>
    Effect.gen(function*() {
      yield* setTime
      const { moments, result } = yield* attempts([errorResponse(429, { "retry-after": value })])
      expectStandard(moments)
      expect(result._tag === "Left" && ownFields(result.left)).toEqual({ _tag: "RateLimited" })
    }))

  it.effect.each(
    [
      [{ "retry-after": "601" }, Duration.seconds(601)],
      [{ "retry-after-ms": "600001" }, Duration.millis(600_001)],
      [{ "retry-after": "Mon, 01 Sep 2025 22:00:00 GMT" }, Duration.days(1)],
      [{ "retry-after": "9".repeat(400) }, Duration.infinity]
    ] as const
  )(
    "nothing is retried when the service asks for more than ten minutes: %j",
    ([headers, retryAfter]) =>
      Effect.gen(function*() {
        for (const status of [429, 503]) {
          yield* setTime
          const { moments, result } = yield* attempts([errorResponse(status, headers)])
          expect(moments).toEqual([0])
          const delay = result._tag === "Left" && "retryAfter" in result.left ? result.left.retryAfter : undefined
          expect(delay !== undefined && Duration.equals(delay, retryAfter)).toBe(true)
        }
      })
  )
})

describe("the retry policy of a layer", () => {
  it.effect("RetryPolicy.none retries nothing", () =>
    Effect.gen(function*() {
      expect((yield* attempts([broken], { retryPolicy: RetryPolicy.none })).moments).toEqual([0])
      expect((yield* attempts([errorResponse(429, { "retry-after": "1" })], { retryPolicy: RetryPolicy.none })).moments)
        .toEqual([0])
    }))

  it.effect("the delay that the service asks for replaces that of any schedule", () =>
    Effect.gen(function*() {
      const retryPolicy = Schedule.intersect(Schedule.spaced("3 seconds"), Schedule.recurs(4))
      expect((yield* attempts([broken], { retryPolicy })).moments).toEqual([0, 3000, 6000, 9000, 12_000])
      const responses = [broken, errorResponse(429, { "retry-after": "20" }), broken, cancelled] as const
      expect(yield* attempts(responses, { retryPolicy })).toMatchObject({
        moments: [0, 3000, 23_000, 26_000],
        tag: "success"
      })
    }))

  it.effect("a schedule can stop at certain failures", () =>
    Effect.gen(function*() {
      const retryPolicy: RetryPolicy.RetryPolicy = Schedule.spaced("1 second").pipe(
        Schedule.whileInput((error: RetryPolicy.Retryable) => error._tag === "TransportFailed")
      )
      expect(yield* attempts([broken, broken, errorResponse(500)], { retryPolicy })).toMatchObject({
        moments: [0, 1000, 2000],
        tag: "ServiceUnavailable"
      })
    }))

  it.effect("the attempt timeout applies to each attempt", () =>
    Effect.gen(function*() {
      const options = { attemptTimeout: "5 seconds", retryPolicy: Schedule.recurs(2) } as const
      const slow: Respond = (request, signal) => Effect.delay(cancelled(request, signal), "4999 millis")
      expect((yield* attempts([() => Effect.never], options)).moments).toEqual([0, 5000, 10_000])
      expect(yield* attempts([() => Effect.never, slow], options)).toMatchObject({ moments: [0, 5000], tag: "success" })
    }))
})

// -----------------------------------------------------------------------------------------------------------------
// Parts
// -----------------------------------------------------------------------------------------------------------------

const data = pattern(10_000)

/** The body of a request as bytes, as far as a server reads it. */
const received = (
  request: HttpClientRequest.HttpClientRequest,
  atMost = Infinity
): Effect.Effect<Uint8Array<ArrayBuffer>, HttpClientError.RequestError> => {
  const { body } = request
  const stream = body._tag === "Stream"
    ? body.stream
    : body._tag === "Raw" && body.body instanceof Blob
    ? PartData.toStream(body.body)
    : Stream.die(`a part is not sent as ${body._tag}`)
  return stream.pipe(
    Stream.rechunk(1000),
    Stream.mapAccum(0, (total, bytes) => [total + bytes.byteLength, [total, bytes] as const]),
    Stream.takeWhile(([total]) => total < atMost),
    Stream.runCollect,
    Effect.map((chunks) => new Uint8Array(Buffer.concat(Chunk.toReadonlyArray(chunks).map(([, bytes]) => bytes)))),
    Effect.mapError((cause) => new HttpClientError.RequestError({ request, reason: "Transport", cause }))
  )
}

const partResponse = () =>
  respond(200, JSON.stringify({ id: "part_1", object: "upload.part", created_at: 1, upload_id: uploadId }))

const adding = (
  part: PartData.PartData,
  responder: (attempt: number, request: HttpClientRequest.HttpClientRequest) => ReturnType<Respond>,
  options: Partial<ClientOptions> = {}
) =>
  Effect.gen(function*() {
    let attempt = 0
    const client = stubHttpClient((request) => responder(++attempt, request))
    const fiber = yield* Effect.fork(Effect.either(
      Effect.flatMap(UploadsService.UploadsService, (uploads) => uploads.addPart(uploadId, part)).pipe(
        Effect.provide(over(client, { ...standard, ...options }))
      )
    ))
    yield* TestClock.adjust("1 day")
    return { result: yield* Fiber.join(fiber), attempts: attempt }
  })

describe("the body of a part", () => {
  const forms: { readonly [form: string]: () => PartData.PartData } = {
    "bytes": () => data,
    "a Blob": () => new Blob([new Uint8Array(data)]),
    "a stream": () => PartData.stream(Stream.make(data.subarray(0, 1), data.subarray(1)), { bytes: data.length }),
    "bytes that arrive once": () => {
      let runs = 0
      return PartData.incoming(Stream.suspend(() => runs++ === 0 ? Stream.make(data) : Stream.die("it arrived before")))
    }
  }

  describe.each(Object.entries(forms))("%s", (_, form) => {
    it.effect.each(["stream", "blob"] as const)(
      "each attempt sends the whole part, as a %s",
      (partBody) =>
        Effect.gen(function*() {
          const bodies: Array<readonly [bytes: Uint8Array<ArrayBuffer>, contentType: string, length: unknown]> = []
          const { result } = yield* adding(
            form(),
            (attempt, request) =>
              Effect.gen(function*() {
                // The first connection breaks in the midst of the body, the second has a response at its end.
                if (attempt === 1) {
                  yield* received(request, 3000)
                  return yield* broken(request, new AbortController().signal)
                }
                bodies.push([yield* received(request), request.body.contentType ?? "", request.body.contentLength])
                return attempt === 2 ? respond(503, "") : partResponse()
              }),
            { partBody }
          )
          expect(result._tag).toBe("Right")
          expect(bodies).toHaveLength(2)
          for (const [bytes, contentType, length] of bodies) {
            expect(length).toBe(bytes.byteLength)
            const fields = yield* Effect.promise(() =>
              new Response(bytes, { headers: { "content-type": contentType } }).formData()
            )
            expect(Array.from(fields.keys())).toEqual(["data"])
            const file = fields.get("data")
            const sent = file instanceof Blob ? yield* Effect.promise(() => file.arrayBuffer()) : new ArrayBuffer(0)
            expect(Buffer.from(sent).equals(data)).toBe(true)
          }
        })
    )
  })

  it.effect("a part whose source fails is not retried", () =>
    Effect.gen(function*() {
      let runs = 0
      const source = PartData.stream(
        Stream.suspend(() =>
          runs++ === 0
            ? Stream.concat(Stream.make(data.subarray(0, 5000)), Stream.fail("disk on fire"))
            : Stream.make(data)
        ),
        { bytes: data.length }
      )
      const { attempts, result } = yield* adding(source, (_, request) => Effect.map(received(request), partResponse))
      expect(result).toMatchObject({ _tag: "Left", left: { _tag: "PartUnreadable" } })
      expect(result._tag === "Left" && result.left.message).toContain("disk on fire")
      expect([attempts, runs]).toEqual([1, 1])
    }))

  it.scoped("a file that changed since it was opened as a Blob is not retried", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* fs.makeTempFileScoped()
      yield* fs.writeFile(path, data)
      const blob = yield* Effect.promise(() => openAsBlob(path))
      yield* fs.truncate(path, 100)
      const { attempts, result } = yield* adding(
        blob,
        (_, request) => broken(request, new AbortController().signal),
        { partBody: "blob" }
      )
      expect(result).toMatchObject({ _tag: "Left", left: { _tag: "PartUnreadable" } })
      expect(attempts).toBe(1)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("a part with another length than declared is not retried", () =>
    Effect.gen(function*() {
      for (const bytes of [9999, 10_001]) {
        const { attempts, result } = yield* adding(
          PartData.stream(Stream.make(data), { bytes }),
          (_, request) => Effect.map(received(request), partResponse)
        )
        expect(result).toMatchObject({ _tag: "Left", left: { _tag: "PartLengthMismatch", declared: bytes } })
        expect(attempts).toBe(1)
      }
    }))

  it.effect("an error of the source in a retry is returned instead of the failure before it", () =>
    Effect.gen(function*() {
      let runs = 0
      const source = PartData.stream(
        Stream.suspend(() => runs++ === 0 ? Stream.make(data) : Stream.fail("disk on fire")),
        { bytes: data.length }
      )
      const { attempts, result } = yield* adding(source, (attempt, request) =>
        attempt === 1
          ? Effect.zipRight(received(request), broken(request, new AbortController().signal))
          : Effect.map(received(request), partResponse))
      expect(result).toMatchObject({ _tag: "Left", left: { _tag: "PartUnreadable" } })
      expect([attempts, runs]).toEqual([2, 2])
    }))
})

// -----------------------------------------------------------------------------------------------------------------
// Interruption
// -----------------------------------------------------------------------------------------------------------------

describe("interruption", () => {
  it.effect("an interruption during the delay ends the call at once, and nothing more is sent", () =>
    Effect.gen(function*() {
      let sent = 0
      const client = stubHttpClient((request, signal) => {
        sent++
        return errorResponse(429, { "retry-after": "60" })(request, signal)
      })
      const fiber = yield* Effect.fork(Effect.provide(calls.cancel, over(client, standard)))
      yield* TestClock.adjust("59 seconds")
      expect(sent).toBe(1)
      expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
      yield* TestClock.adjust("1 day")
      expect(sent).toBe(1)
    }))

  it.effect.each(methods)("an interruption of %s aborts its request", (method) =>
    Effect.gen(function*() {
      const signals: Array<AbortSignal> = []
      const client = stubHttpClient((_, signal) => {
        signals.push(signal)
        return Effect.never
      })
      const fiber = yield* Effect.fork(Effect.provide(calls[method], over(client, standard)))
      yield* TestClock.adjust("1 second")
      expect(signals.map(({ aborted }) => aborted)).toEqual([false])
      const exit = yield* Fiber.interrupt(fiber)
      expect(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)).toBe(true)
      expect(signals.map(({ aborted }) => aborted)).toEqual([true])
      yield* TestClock.adjust("1 day")
      expect(signals).toHaveLength(1)
    }))

  it.effect("an interruption of addPart releases the source of the part", () =>
    Effect.gen(function*() {
      let state = "closed"
      const source = PartData.stream(
        Stream.acquireRelease(
          Effect.sync(() => {
            state = "open"
          }),
          () =>
            Effect.sync(() => {
              state = "released"
            })
        ).pipe(Stream.flatMap(() => Stream.concat(Stream.make(data.subarray(0, 10)), Stream.never))),
        { bytes: data.length }
      )
      const client = stubHttpClient((request) => Effect.map(received(request), partResponse))
      const fiber = yield* Effect.fork(
        Effect.flatMap(UploadsService.UploadsService, (uploads) => uploads.addPart(uploadId, source)).pipe(
          Effect.provide(over(client, standard))
        )
      )
      yield* TestClock.adjust("1 second")
      expect(state).toBe("open")
      yield* Fiber.interrupt(fiber)
      expect(state).toBe("released")
    }))
})

// -----------------------------------------------------------------------------------------------------------------
// Lost responses
// -----------------------------------------------------------------------------------------------------------------

/** A proxy that closes the connection instead of passing on the first response to a path. */
const losing = (target: string, path: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Http.Server>((resume) => {
      let lost = 0
      const server = Http.createServer((request, response) => {
        const { headers, method = "GET", url = "/" } = request
        const forward = Http.request(`${target}${url}`, { method, headers }, (incoming) => {
          if (url.endsWith(path) && lost++ === 0) incoming.resume().on("end", () => request.socket.destroy())
          else incoming.pipe(response.writeHead(incoming.statusCode ?? 502, incoming.headers))
        })
        request.pipe(forward)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => {
    const address = server.address()
    return `http://127.0.0.1:${address === null || typeof address === "string" ? 0 : address.port}`
  }))

describe("a retry after a lost response, without an idempotency key", () => {
  const behind = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

  /** The services through a proxy that loses the first response to a path. */
  const through = (path: string, options?: Pick<ClientOptions, "idempotencyKeys">) =>
    Layer.unwrapScoped(Effect.map(
      Effect.flatMap(url, (target) => losing(target, path)),
      (apiUrl) => clients({ apiUrl, retryPolicy: Schedule.recurs(2), ...options })
    )).pipe(
      Layer.provide(FetchHttpClient.layer),
      Layer.provide(served.pipe(Layer.provide(behind))),
      Layer.provideMerge(behind)
    )

  type Services =
    | UploadsService.UploadsService
    | FilesService.FilesService
    | UploadsMemory.UploadsServiceTest
    | FilesMemory.FilesServiceTest

  const withoutKeys = { idempotencyKeys: false }

  const request = { filename: "a.jsonl", purpose: "fine-tune", bytes: data.length, mimeType: "text/jsonl" }

  it.effect("cancel fails with UploadAlreadyCancelled when the response to the first attempt was lost", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService.UploadsService
      const handle = yield* UploadsMemory.UploadsServiceTest
      const upload = yield* uploads.create(request)
      const error = yield* Effect.flip(uploads.cancel(upload.id))
      expect(ownFields(error)).toEqual({ _tag: "UploadAlreadyCancelled", uploadId: upload.id })
      expect(yield* handle.calls("cancel")).toBe(2)
      expect((yield* handle.uploads).map(({ status }) => status)).toEqual(["cancelled"])
    }).pipe(Effect.provide(through("/cancel", withoutKeys))))

  it.effect("complete fails with UploadAlreadyCompleted when the response to the first attempt was lost", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService.UploadsService
      const files = yield* FilesService.FilesService
      const handle = yield* UploadsMemory.UploadsServiceTest
      const upload = yield* uploads.create(request)
      const part = yield* uploads.addPart(upload.id, data)
      const error = yield* Effect.flip(uploads.complete(upload.id, { partIds: [part.id] }))
      const [file] = Chunk.toReadonlyArray(yield* Stream.runCollect(files.list()))
      expect(ownFields(error)).toEqual({ _tag: "UploadAlreadyCompleted", uploadId: upload.id, fileId: file?.id })
      expect(file?.bytes).toBe(data.length)
      expect(yield* handle.calls("complete")).toBe(2)
    }).pipe(Effect.provide(through("/complete", withoutKeys))))

  it.effect("create leaves a second Upload, which expires by itself", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService.UploadsService
      const handle = yield* UploadsMemory.UploadsServiceTest
      const upload = yield* uploads.create(request)
      const [first, second, ...more] = yield* handle.uploads
      expect(more).toEqual([])
      expect(second?.id).toBe(upload.id)
      expect(first?.status).toBe("pending")
      yield* TestClock.adjust("1 hour")
      expect((yield* handle.uploads).map(({ status }) => status)).toEqual(["expired", "expired"])
    }).pipe(Effect.provide(through("/uploads", withoutKeys))))

  const noSurplus = Layer.succeed(UploadLimits, {
    ...documented,
    uploadBytes: ByteSize.make(data.length),
    surplusParts: 0
  })

  it.effect("addPart returns the first failure when the Upload has no room for a second copy", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService.UploadsService
      const handle = yield* UploadsMemory.UploadsServiceTest
      const upload = yield* uploads.create({ ...request, bytes: data.length })
      expect(yield* Effect.flip(uploads.addPart(upload.id, data))).toMatchObject({ _tag: "TransportFailed" })
      expect(yield* handle.parts(upload.id)).toHaveLength(1)
    }).pipe(Effect.provide(Layer.provide(through("/parts", withoutKeys), noSurplus))))

  it.effect("addPart adds a second copy when the Upload has room for it", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService.UploadsService
      const handle = yield* UploadsMemory.UploadsServiceTest
      const upload = yield* uploads.create({ ...request, bytes: 2 * data.length })
      const part = yield* uploads.addPart(upload.id, data)
      const stored = yield* handle.parts(upload.id)
      expect(stored.map(({ bytes }) => Buffer.from(bytes).equals(data))).toEqual([true, true])
      expect(stored[1]?.part.id).toBe(part.id)
    }).pipe(Effect.provide(through("/parts", withoutKeys))))

  it.effect("with a key each method returns its first result, and nothing is stored twice", () =>
    Effect.gen(function*() {
      const run = <A, E>(path: string, effect: Effect.Effect<A, E, Services>) => Effect.provide(effect, through(path))
      const handle = UploadsMemory.UploadsServiceTest
      const created = Effect.flatMap(UploadsService.UploadsService, (uploads) => uploads.create(request))
      expect(yield* run("/uploads", Effect.zipRight(created, Effect.flatMap(handle, ({ uploads }) => uploads))))
        .toHaveLength(1)
      expect(
        yield* run(
          "/parts",
          Effect.gen(function*() {
            const uploads = yield* UploadsService.UploadsService
            const upload = yield* created
            const part = yield* uploads.addPart(upload.id, data)
            const stored = yield* Effect.flatMap(handle, ({ parts }) => parts(upload.id))
            return stored.map((one) => one.part.id === part.id)
          })
        )
      ).toEqual([true])
      expect(
        yield* run(
          "/complete",
          Effect.gen(function*() {
            const uploads = yield* UploadsService.UploadsService
            const upload = yield* created
            const part = yield* uploads.addPart(upload.id, data)
            const { file } = yield* uploads.complete(upload.id, { partIds: [part.id] })
            const files = yield* Stream.runCollect((yield* FilesService.FilesService).list())
            return Chunk.toReadonlyArray(files).map(({ id }) => id === file.id)
          })
        )
      ).toEqual([true])
      const cancelled = yield* run(
        "/cancel",
        Effect.gen(function*() {
          const uploads = yield* UploadsService.UploadsService
          const upload = yield* created
          return yield* uploads.cancel(upload.id)
        })
      )
      expect(cancelled.status).toBe("cancelled")
    }))
})
