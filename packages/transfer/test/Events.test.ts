import * as PartData from "@effect-uploads/http/PartData"
import { ServiceUnavailable, TransportFailed } from "@effect-uploads/http/ServiceError"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import {
  blobInChunks,
  both,
  bytesOf,
  changedStream,
  collect,
  pacedBy,
  services,
  test,
  withFastClock
} from "./fixtures.js"

const data = bytesOf(10_000)
const options = {
  purpose: "user_data",
  filename: "data.bin",
  partSize: 2500,
  concurrency: 1,
  retryPolicy: Schedule.spaced("1 second")
} as const

const blob = blobInChunks(data, 50)

/** Runs at one byte per millisecond. */
const run = (more: Partial<Transfer.NamedOptions> = {}) =>
  Transfer.blobEvents(blob, { ...options, ...more }).pipe(changedStream(pacedBy(1)), collect, withFastClock)

describe("the events of a transfer", () => {
  test("start with Started, have one PartDone for each part, and end with Completed", () =>
    Effect.gen(function*() {
      const events = yield* run()
      const { uploadsTest } = yield* services
      const [upload] = yield* uploadsTest.uploads
      expect(events[0]).toMatchObject({ _tag: "Started", upload: { id: upload?.id }, parts: 4, resumedBytes: 0 })
      expect(events.at(-1)).toEqual({ _tag: "Completed", upload })
      const done = events.filter(TransferEvent.$is("PartDone"))
      expect(done.map(({ bytes, index }) => [index, bytes])).toEqual([[0, 2500], [1, 2500], [2, 2500], [3, 2500]])
      expect(new Set(done.map(({ part }) => part.id)).size).toBe(4)
      expect(new Set(events.slice(1, -1).map(({ _tag }) => _tag))).toEqual(new Set(["PartDone", "Progress"]))
    }))

  test("report progress four times a second, with the rate of the connection and the remaining time", () =>
    Effect.gen(function*() {
      const progress = (yield* run()).filter(TransferEvent.$is("Progress"))
      expect(progress.length).toBeGreaterThanOrEqual(36)
      expect(progress.length).toBeLessThanOrEqual(40)
      for (const { bytesPerSecond, sentBytes, timeLeft, totalBytes } of progress) {
        expect(totalBytes).toBe(10_000)
        expect(Math.abs(bytesPerSecond - 1000)).toBeLessThan(100)
        const left = Duration.toSeconds(Option.getOrThrow(timeLeft))
        expect(left).toBeCloseTo((totalBytes - sentBytes) / bytesPerSecond, 2)
      }
    }))

  test("report the index, attempt, reason and delay of every part that is sent again", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      const reset = new TransportFailed({ reason: "reset" })
      const unavailable = new ServiceUnavailable({})
      yield* uploadsTest.failNext("addPart", reset)
      yield* uploadsTest.failNext("addPart", unavailable)
      const retrying = (yield* run()).filter(TransferEvent.$is("Retrying"))
      expect(retrying).toEqual([
        TransferEvent.Retrying({ index: 0, attempt: 1, reason: reset, delay: Duration.seconds(1) }),
        TransferEvent.Retrying({ index: 0, attempt: 2, reason: unavailable, delay: Duration.seconds(1) })
      ])
    }))

  it.effect("report every retry of the requests that create and complete the Upload, with its delay", () =>
    Effect.gen(function*() {
      let created = 0
      let completed = 0
      const upload = { id: "upload_1", object: "upload", bytes: 10, created_at: 0, expires_at: 3600, filename: "a" }
      const pending = { ...upload, purpose: "user_data", status: "pending" }
      const uploadFile = { ...pending, id: "file-1", object: "file", status: "processed" }
      const body = (path: string) =>
        path.endsWith("/uploads")
          ? created++ < 1 ? undefined : pending
          : path.endsWith("/parts")
          ? { id: "part_1", object: "upload.part", created_at: 0, upload_id: "upload_1" }
          : completed++ < 2
          ? undefined
          : { ...pending, status: "completed", file: uploadFile }
      const http = HttpClient.make((request, { pathname }) =>
        Effect.sync(() => {
          const json = body(pathname)
          return HttpClientResponse.fromWeb(
            request,
            Response.json(json ?? {}, { status: json === undefined ? 503 : 200 })
          )
        })
      )
      const client = UploadsClient.layer({
        apiUrl: "https://uploads.test/v1",
        retryPolicy: Schedule.intersect(Schedule.spaced("2 seconds"), Schedule.recurs(1))
      })
      const events = yield* Transfer.bytesEvents(bytesOf(10), { ...options, filename: "a" }).pipe(
        collect,
        Effect.provide(client),
        Effect.provideService(HttpClient.HttpClient, http),
        withFastClock
      )
      expect(events.map((event) =>
        event._tag === "RequestRetrying"
          ? [event.request, event.attempt, event.reason.name, Duration.toSeconds(event.delay)]
          : event._tag
      )).toEqual([
        ["create", 1, "ServiceUnavailable", 2],
        "Started",
        "PartDone",
        ["complete", 1, "ServiceUnavailable", 1],
        ["complete", 2, "ServiceUnavailable", 1],
        "Completed"
      ])
    }))

  /** Fails one call of `addPart` after all bytes of its part were taken. */
  const failingAfterBytes = (nth: number) => {
    let calls = 0
    return (uploads: UploadsService.Service): Partial<UploadsService.Service> => ({
      addPart: (id, part) => {
        const paced = pacedBy(1)(uploads).addPart ?? uploads.addPart
        const fails = calls++ === nth
        return fails
          ? PartData.toStream(part).pipe(
            Stream.runForEach((bytes) => Effect.sleep(bytes.byteLength)),
            Effect.zipRight(new TransportFailed({ reason: "reset" }))
          )
          : paced(id, part)
      }
    })
  }

  test("count bytes that are sent again from the earlier mark, and name their part until then", () =>
    Effect.gen(function*() {
      const events = yield* Transfer.blobEvents(blob, options).pipe(
        changedStream(failingAfterBytes(1)),
        collect,
        withFastClock
      )
      const progress = events.filter(TransferEvent.$is("Progress"))
      const repeating = progress.filter(({ repeating }) => repeating.length > 0)
      expect(repeating.length).toBeGreaterThanOrEqual(9)
      for (const event of repeating) {
        expect(event.repeating).toEqual([1])
        expect(event.sentBytes).toBe(5000)
      }
      expect(progress.at(-1)).toMatchObject({ repeatedBytes: 2500, repeating: [] })
      // From the failure on, 2500 bytes have to be sent again before the other 5000.
      const [first = expect.fail("nothing is repeated")] = repeating
      const left = 7500 - first.repeatedBytes
      expect(Duration.toSeconds(Option.getOrThrow(first.timeLeft))).toBeCloseTo(left / first.bytesPerSecond, 2)
    }))

  test("do not fall back after Restarted, when all parts are sent again", () =>
    Effect.gen(function*() {
      let parts = 0
      const events = yield* Transfer.blobEvents(blob, {
        ...options,
        onExpiry: "restart",
        stallTimeout: Duration.infinity
      }).pipe(
        changedStream((uploads) => {
          const paced = pacedBy(1)(uploads).addPart ?? uploads.addPart
          return { addPart: (id, part) => ++parts === 3 ? Effect.never : paced(id, part) }
        }),
        collect,
        withFastClock
      )
      const restarted = events.findIndex(({ _tag }) => _tag === "Restarted")
      const after = events.slice(restarted).filter(TransferEvent.$is("Progress"))
      expect(restarted).toBeGreaterThan(0)
      const again = after.filter(({ sentBytes }) => sentBytes === 5000)
      expect(again.length).toBeGreaterThanOrEqual(18)
      expect(after.every(({ sentBytes }) => sentBytes >= 5000)).toBe(true)
      expect(again[0]?.repeating).toEqual([0])
      expect(after.at(-1)).toMatchObject({ repeatedBytes: 5000, repeating: [] })
    }))

  test("report a rate that a pause lowers gradually", () =>
    Effect.gen(function*() {
      let parts = 0
      const progress = (yield* Transfer.blobEvents(blob, options).pipe(
        changedStream((uploads) => {
          const paced = pacedBy(1)(uploads).addPart ?? uploads.addPart
          return {
            addPart: (id, part) => Effect.delay(paced(id, part), ++parts === 3 ? "5 seconds" : "0 millis")
          }
        }),
        collect,
        withFastClock
      )).filter(TransferEvent.$is("Progress"))
      const rates = progress.map(({ bytesPerSecond }) => bytesPerSecond)
      // 5000 bytes in 5 seconds, and 5 seconds without any: half the rate or more, and never zero.
      expect(Math.min(...rates)).toBeGreaterThan(350)
      expect(Math.min(...rates)).toBeLessThan(550)
    }))

  it.effect.prop(
    "report progress that is at least the acknowledged bytes, at most all bytes, and never decreases",
    [FastCheck.array(FastCheck.boolean(), { maxLength: 8 }), FastCheck.integer({ min: 1, max: 4 })],
    ([failing, concurrency]) =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        const reset = new TransportFailed({ reason: "reset" })
        for (const fails of failing) if (fails) yield* uploadsTest.failNext("addPart", reset)
        const events = yield* run({ concurrency })
        let acknowledged = 0
        let last = 0
        for (const event of events) {
          if (event._tag === "PartDone") acknowledged += event.bytes
          if (event._tag === "Progress") {
            expect(event.sentBytes).toBeGreaterThanOrEqual(acknowledged)
            expect(event.sentBytes).toBeLessThanOrEqual(event.totalBytes)
            expect(event.bytesPerSecond).toBeGreaterThanOrEqual(0)
            expect(event.sentBytes).toBeGreaterThanOrEqual(last)
            last = event.sentBytes
          }
        }
        expect(acknowledged).toBe(10_000)
      }).pipe(Effect.provide(both)),
    { fastCheck: { numRuns: 20 } }
  )
})
