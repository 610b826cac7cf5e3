import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import * as UploadsMetrics from "@effect-uploads/http/UploadsMetrics"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import { tagOf } from "./support/errors.js"
import type { Both } from "./support/server.js"
import { hop, memory } from "./support/server.js"
import type { Method } from "./support/stub.js"
import { calls, fileId, methods, over, partBytes, partIds, respond, stubHttpClient, uploadId } from "./support/stub.js"
import type { RecordedSpan } from "./support/telemetry.js"
import { recording } from "./support/telemetry.js"

const content = new TextEncoder().encode("0123456789")
const request = { filename: "data.jsonl", purpose: "fine-tune" as const, bytes: 10, mimeType: "text/jsonl" }
const uploads = <A, E>(f: (service: UploadsService.Service) => Effect.Effect<A, E>) =>
  Effect.flatMap(UploadsService.UploadsService, f)

const files = <A, E>(f: (service: FilesService.Service) => Effect.Effect<A, E>) =>
  Effect.flatMap(FilesService.FilesService, f)

const always = (status: number, body: string, options?: ClientOptions): Layer.Layer<Both> =>
  over(stubHttpClient(() => Effect.sync(() => respond(status, body))), options)

const errorBody = JSON.stringify({ error: { message: "no", type: "test", code: null, param: null } })

const spanNames: { readonly [Name in Method]: string } = {
  create: "UploadsService.create",
  addPart: "UploadsService.addPart",
  complete: "UploadsService.complete",
  cancel: "UploadsService.cancel",
  retrieve: "FilesService.retrieve",
  content: "FilesService.content",
  list: "FilesService.list",
  delete: "FilesService.delete"
}

const operations: { readonly [Name in Method]: string } = {
  create: "uploads.create",
  addPart: "uploads.addPart",
  complete: "uploads.complete",
  cancel: "uploads.cancel",
  retrieve: "files.retrieve",
  content: "files.content",
  list: "files.list",
  delete: "files.delete"
}

/** What a span says of itself, apart from the source locations that Effect adds for errors. */
const attributesOf = (span: RecordedSpan): Record<string, unknown> =>
  Object.fromEntries([...span.attributes].filter(([name]) => !name.startsWith("code.")))

const errorOf = (span: RecordedSpan): unknown =>
  span.status._tag === "Ended" && Exit.isFailure(span.status.exit) ? Cause.squash(span.status.exit.cause) : undefined

const isSuccess = (span: RecordedSpan): boolean => span.status._tag === "Ended" && Exit.isSuccess(span.status.exit)

const life = Effect.gen(function*() {
  const service = yield* UploadsService.UploadsService
  const stored = yield* FilesService.FilesService
  const upload = yield* service.create(request)
  const part = yield* service.addPart(upload.id, content.subarray(0, 4))
  const rest = yield* service.addPart(upload.id, content.subarray(4))
  const { file } = yield* service.complete(upload.id, { partIds: [part.id, rest.id] })
  yield* stored.retrieve(file.id)
  yield* Stream.runDrain(stored.content(file.id))
  yield* Stream.runDrain(stored.list())
  yield* stored.delete(file.id)
  const other = yield* service.create({ ...request, bytes: 3 })
  yield* service.cancel(other.id)
  return { upload, part, rest, file, other }
})

/** What the spans of {@link life} say. */
const expectedAttributes = ({ file, other, part, rest, upload }: Effect.Effect.Success<typeof life>) => [
  ["UploadsService.create", { bytes: 10, uploadId: upload.id }],
  ["UploadsService.addPart", { bytes: 4, uploadId: upload.id, partId: part.id }],
  ["UploadsService.addPart", { bytes: 6, uploadId: upload.id, partId: rest.id }],
  ["UploadsService.complete", { bytes: 10, uploadId: upload.id, parts: 2, fileId: file.id }],
  ["FilesService.retrieve", { fileId: file.id }],
  ["FilesService.content", { fileId: file.id, bytes: 10 }],
  ["FilesService.list", {}],
  ["FilesService.delete", { fileId: file.id }],
  ["UploadsService.create", { bytes: 3, uploadId: other.id }],
  ["UploadsService.cancel", { uploadId: other.id }]
]

describe("spans", () => {
  it.effect("spans of the service in memory have ids and byte counts, and nothing else", () => {
    const { record, spans } = recording()
    return Effect.gen(function*() {
      const made = yield* record(life)
      expect(spans.map((span) => [span.name, attributesOf(span)])).toEqual(expectedAttributes(made))
      expect(spans.every(isSuccess)).toBe(true)
    }).pipe(Effect.provide(memory))
  })

  it.effect("spans of the client have ids and byte counts, and one HTTP request within", () => {
    const { record, spans } = recording()
    return Effect.gen(function*() {
      // The spans of the server are not recorded.
      const made = yield* record(Effect.withSpan(life, "the caller"))
      const [caller, ...rest] = spans
      const ofClient = rest.filter(({ name }) => !name.startsWith("http."))
      expect(ofClient.map((span) => [span.name, attributesOf(span)])).toEqual(expectedAttributes(made))
      expect(rest).toHaveLength(ofClient.length * 2)
      for (const span of ofClient) {
        expect(Option.getOrUndefined(span.parent)).toBe(caller)
        const within = rest.filter(({ parent }) => Option.getOrUndefined(parent) === span)
        expect(within.map(({ kind, name }) => [name, kind])).toEqual([
          [expect.stringMatching(/^http\.client (?:GET|POST|DELETE)$/), "client"]
        ])
        expect(within.map((inner) => attributesOf(inner))).toEqual([
          expect.objectContaining({ "http.response.status_code": 200 })
        ])
      }
      expect(spans.every(isSuccess)).toBe(true)
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
      expect(spans.flatMap(({ events, links }) => [...events, ...links])).toEqual([])
    }).pipe(Effect.provide(hop(memory, FetchHttpClient.layer)))
  })

  for (const method of methods) {
    it.effect(`the span of ${method} ends with the error of the call, and has the ids of the request`, () => {
      const { record, spans } = recording()
      return Effect.gen(function*() {
        const error = yield* Effect.flip(record(calls[method]))
        const [span, http] = spans
        if (span === undefined || http === undefined) return yield* Effect.dieMessage("there are two spans")
        expect(span.name).toBe(spanNames[method])
        expect(errorOf(span)).toMatchObject({ _tag: tagOf(error), message: error.message })
        const ids = {
          create: { bytes: 1000 },
          addPart: { uploadId, bytes: partBytes.byteLength },
          complete: { uploadId, parts: partIds.length },
          cancel: { uploadId },
          retrieve: { fileId },
          content: { fileId, bytes: 0 },
          list: {},
          delete: { fileId }
        }
        expect(attributesOf(span)).toEqual(ids[method])
        // For the HTTP client an error response is a success.
        expect(isSuccess(http)).toBe(true)
        expect(http.attributes.get("http.response.status_code")).toBe(403)
        expect(spans).toHaveLength(2)
      }).pipe(Effect.provide(always(403, errorBody)))
    })
  }

  it.effect("a call has one span, and one more for each attempt", () => {
    const { record, spans } = recording()
    return Effect.gen(function*() {
      yield* Effect.flip(record(calls.cancel))
      expect(spans.map(({ name }) => name)).toEqual(["UploadsService.cancel", ...Array(3).fill("http.client POST")])
    }).pipe(Effect.provide(always(500, errorBody, { retryPolicy: Schedule.recurs(2) })))
  })

  it.effect("an invalid request has a span and sends nothing", () => {
    const { record, spans } = recording()
    return Effect.gen(function*() {
      yield* Effect.flip(record(uploads((service) => service.create({ ...request, bytes: -1 }))))
      expect(spans.map((span) => [span.name, tagOf(errorOf(span))])).toEqual([
        ["UploadsService.create", "InvalidRequest"]
      ])
    }).pipe(Effect.provide(always(500, errorBody)))
  })

  it.effect("the span of an interrupted call ends as interrupted", () => {
    const { record, spans } = recording()
    return Effect.gen(function*() {
      const sent = yield* Deferred.make<void>()
      const never = over(stubHttpClient(() => Effect.zipRight(Deferred.succeed(sent, undefined), Effect.never)))
      const fiber = yield* Effect.fork(Effect.provide(record(calls.cancel), never))
      yield* Deferred.await(sent)
      yield* Fiber.interrupt(fiber)
      const [span] = spans
      expect(span?.status).toMatchObject({ _tag: "Ended" })
      expect(span?.status._tag === "Ended" && Exit.isInterrupted(span.status.exit)).toBe(true)
    })
  })
})

describe("a trace", () => {
  /** The headers of a trace in the request of a call, and whether the error tells which method failed. */
  const traceOf = (within: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      let sent: Record<string, string | undefined> = {}
      const client = stubHttpClient((request) =>
        Effect.sync(() => {
          sent = { traceparent: request.headers["traceparent"], b3: request.headers["b3"] }
          return respond(403, errorBody)
        })
      )
      const exit = yield* Effect.exit(within(Effect.provide(calls.cancel, over(client))))
      expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain("at UploadsService.cancel")
      return sent
    })

  it.effect("no headers of a trace are sent when there is neither a tracer nor a span of the caller's", () =>
    Effect.gen(function*() {
      expect(yield* traceOf((effect) => effect)).toEqual({ traceparent: undefined, b3: undefined })
    }))

  it.effect("the trace of a span of the caller's goes on in the headers, without a tracer too", () =>
    Effect.gen(function*() {
      const { span, sent } = yield* Effect.withSpan(
        Effect.all({ span: Effect.currentSpan, sent: traceOf((effect) => effect) }),
        "the caller"
      )
      expect(sent["traceparent"]).toContain(span.traceId)
      expect(sent["b3"]).toContain(span.traceId)
      const external = Tracer.externalSpan({ traceId: "0123456789abcdef0123456789abcdef", spanId: "0123456789abcdef" })
      expect((yield* traceOf(Effect.withParentSpan(external)))["traceparent"]).toContain(external.traceId)
    }))

  it.effect("a tracer alone starts a trace, which goes on in the headers", () =>
    Effect.gen(function*() {
      const { record, spans } = recording()
      const sent = yield* traceOf(record)
      expect(spans.map(({ name }) => name)).toEqual(["UploadsService.cancel", "http.client POST"])
      expect(sent["traceparent"]).toContain(spans[1]?.spanId)
    }))
})

// -----------------------------------------------------------------------------------------------------------------
// Metrics
// -----------------------------------------------------------------------------------------------------------------

/** The counters are global: a test looks at what it adds to them. */
const added = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const read = Effect.map(Metric.snapshot, (pairs) => {
    const counts = new Map<string, number>()
    for (const { metricKey, metricState } of pairs) {
      if (!metricKey.name.startsWith("effect_uploads_") || !("count" in metricState)) continue
      const tags = Array.from(metricKey.tags, ({ key, value }) => `${key}=${value}`).sort()
      counts.set([metricKey.name, ...tags].join(" "), Number(metricState.count))
    }
    return counts
  })
  return Effect.gen(function*() {
    const before = yield* read
    yield* Effect.exit(effect)
    const after = yield* read
    return Object.fromEntries(
      [...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const).filter(([, count]) =>
        count > 0
      )
    )
  })
}

const requests = (operation: string, outcome: string) =>
  `effect_uploads_requests_total operation=${operation} outcome=${outcome}`

const bytesSent = "effect_uploads_bytes_sent_total"

describe("metrics", () => {
  it.effect("the clients update the metrics of UploadsMetrics", () =>
    Effect.gen(function*() {
      const cancelled = UploadsMetrics.requests.pipe(
        Metric.tagged("operation", "uploads.cancel"),
        Metric.tagged("outcome", "PermissionDenied")
      )
      const before = yield* Metric.value(cancelled)
      yield* Effect.exit(Effect.provide(calls.cancel, always(403, errorBody)))
      expect((yield* Metric.value(cancelled)).count - before.count).toBe(1)
      const sent = yield* Metric.value(UploadsMetrics.bytesSent)
      const part = JSON.stringify({ id: "part_1", object: "upload.part", created_at: 1, upload_id: uploadId })
      yield* Effect.provide(calls.addPart, always(200, part))
      expect((yield* Metric.value(UploadsMetrics.bytesSent)).count - sent.count).toBe(partBytes.byteLength)
    }))

  it.effect("the metrics count each successful call, and the bytes of acknowledged parts", () =>
    Effect.gen(function*() {
      expect(yield* added(life)).toEqual({
        [requests("uploads.create", "success")]: 2,
        [requests("uploads.addPart", "success")]: 2,
        [requests("uploads.complete", "success")]: 1,
        [requests("uploads.cancel", "success")]: 1,
        [requests("files.retrieve", "success")]: 1,
        [requests("files.content", "success")]: 1,
        [requests("files.list", "success")]: 1,
        [requests("files.delete", "success")]: 1,
        [bytesSent]: 10
      })
    }).pipe(Effect.provide(hop(memory, FetchHttpClient.layer))))

  it.effect("the metrics count the bytes of a part in every form", () =>
    Effect.gen(function*() {
      const upload = yield* uploads((service) => service.create(request))
      const add = (data: PartData.PartData) => added(uploads((service) => service.addPart(upload.id, data)))
      const expected = (bytes: number) => ({ [requests("uploads.addPart", "success")]: 1, [bytesSent]: bytes })
      expect(yield* add(content.subarray(0, 1))).toEqual(expected(1))
      expect(yield* add(new Blob([content.subarray(0, 2)]))).toEqual(expected(2))
      expect(yield* add(PartData.stream(Stream.make(content.subarray(0, 3)), { bytes: 3 }))).toEqual(expected(3))
      expect(yield* add(PartData.incoming(Stream.make(content.subarray(0, 4))))).toEqual(expected(4))
    }).pipe(Effect.provide(hop(memory, FetchHttpClient.layer))))

  for (const method of methods) {
    it.effect(`the metrics count a failed ${method} under the tag of its error, and no bytes`, () =>
      Effect.gen(function*() {
        const outcomes = [
          [403, errorBody, "PermissionDenied"],
          [429, errorBody, "RateLimited"],
          [500, errorBody, "ServiceUnavailable"],
          [404, "<html>", "ResponseMalformed"]
        ] as const
        for (const [status, body, tag] of outcomes) {
          expect(yield* added(Effect.provide(calls[method], always(status, body)))).toEqual({
            [requests(operations[method], tag)]: 1
          })
        }
      }))

    it.effect(`the metrics count a ${method} that times out or is interrupted`, () =>
      Effect.gen(function*() {
        const run = (end: (fiber: Fiber.RuntimeFiber<unknown, unknown>) => Effect.Effect<unknown>) =>
          Effect.gen(function*() {
            const sent = yield* Deferred.make<void>()
            const never = over(stubHttpClient(() => Effect.zipRight(Deferred.succeed(sent, undefined), Effect.never)))
            const fiber = yield* Effect.fork(Effect.provide(calls[method], never))
            yield* Deferred.await(sent)
            yield* end(fiber)
          })
        expect(yield* added(run((fiber) => Effect.zipRight(TestClock.adjust("10 minutes"), Fiber.await(fiber)))))
          .toEqual({
            [requests(operations[method], "RequestTimeout")]: 1
          })
        expect(yield* added(run(Fiber.interrupt))).toEqual({ [requests(operations[method], "interrupted")]: 1 })
      }))

    it.effect(`the metrics count a ${method} with retries once`, () =>
      Effect.gen(function*() {
        let attempts = 0
        const failing = stubHttpClient(() =>
          Effect.sync(() => {
            attempts++
            return respond(500, errorBody)
          })
        )
        const flaky = over(failing, { retryPolicy: Schedule.recurs(2) })
        expect(yield* added(Effect.provide(calls[method], flaky))).toEqual({
          [requests(operations[method], "ServiceUnavailable")]: 1
        })
        expect(attempts).toBe(3)
      }))
  }

  it.effect("the metrics count each page of a list", () =>
    Effect.gen(function*() {
      for (let n = 0; n < 3; n++) {
        const upload = yield* uploads((service) => service.create({ ...request, bytes: 0 }))
        yield* uploads((service) => service.complete(upload.id, { partIds: [] }))
      }
      expect(yield* added(files((service) => Stream.runDrain(service.list({ limit: 1 }))))).toEqual({
        [requests("files.list", "success")]: 3
      })
    }).pipe(Effect.provide(hop(memory, FetchHttpClient.layer))))

  it.effect("the metrics count a download by its outcome", () =>
    Effect.gen(function*() {
      const breaking = () => {
        let sent = false
        return new ReadableStream<Uint8Array>({
          pull: (controller) => {
            if (sent) return controller.error(new Error("connection reset"))
            sent = true
            controller.enqueue(content)
          }
        })
      }
      const broken = over(stubHttpClient(() => Effect.sync(() => respond(200, breaking()))))
      expect(yield* added(Effect.provide(calls.content, broken))).toEqual({
        [requests("files.content", "TransportFailed")]: 1
      })
      const left = files((service) => Stream.runDrain(Stream.take(service.content(fileId), 1)))
      expect(yield* added(Effect.provide(left, broken))).toEqual({ [requests("files.content", "interrupted")]: 1 })
    }))
})
