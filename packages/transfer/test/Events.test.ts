import { ServiceUnavailable, TransportFailed } from "@effect-uploads/http/ServiceError"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { both, bytesOf, changedStream, collect, hastily, pacedBy, services, test } from "./fixtures.js"

const data = bytesOf(10_000)
const options = {
  purpose: "user_data",
  filename: "data.bin",
  partSize: 2500,
  concurrency: 1,
  bytes: data.byteLength,
  retryPolicy: Schedule.spaced("1 second")
} as const

/** In small chunks, so that bytes are taken one after the other. */
const drops = Stream.fromIterable(Array.from({ length: 200 }, (_, i) => data.subarray(i * 50, i * 50 + 50)))

/** A byte a millisecond. */
const run = (more: Partial<Transfer.StreamOptions> = {}) =>
  Transfer.streamEvents(drops, { ...options, ...more }).pipe(changedStream(pacedBy(1)), collect, hastily)

describe("the events of a transfer", () => {
  test("begin with Started, tell of each part, and end with Completed", () =>
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

  test("tell of progress four times a second, at the rate of the wire, and of the time that is left", () =>
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

  test("tell of a part that is sent again: which, how often, why and when", () =>
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

  it.effect.prop(
    "show progress that is at least what is acknowledged, at most the whole, and goes back only to send again",
    [FastCheck.array(FastCheck.boolean(), { maxLength: 8 }), FastCheck.integer({ min: 1, max: 4 })],
    ([failing, concurrency]) =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        const reset = new TransportFailed({ reason: "reset" })
        for (const fails of failing) if (fails) yield* uploadsTest.failNext("addPart", reset)
        const events = yield* run({ concurrency })
        let acknowledged = 0
        let last = 0
        let mayGoBack = 0
        for (const event of events) {
          if (event._tag === "Retrying") mayGoBack++
          if (event._tag === "PartDone") acknowledged += event.bytes
          if (event._tag === "Progress") {
            expect(event.sentBytes).toBeGreaterThanOrEqual(acknowledged)
            expect(event.sentBytes).toBeLessThanOrEqual(event.totalBytes)
            expect(event.bytesPerSecond).toBeGreaterThanOrEqual(0)
            if (event.sentBytes < last) mayGoBack--
            expect(mayGoBack).toBeGreaterThanOrEqual(0)
            last = event.sentBytes
          }
        }
        expect(acknowledged).toBe(10_000)
      }).pipe(Effect.provide(both)),
    { fastCheck: { numRuns: 20 } }
  )
})
