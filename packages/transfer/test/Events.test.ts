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
import { both, bytesOf, changedStream, collect, pacedBy, services, test, withFastClock } from "./fixtures.js"

const data = bytesOf(10_000)
const options = {
  purpose: "user_data",
  filename: "data.bin",
  partSize: 2500,
  concurrency: 1,
  bytes: data.byteLength,
  retryPolicy: Schedule.spaced("1 second")
} as const

/** Small chunks, so that the connection takes them one after the other. */
const chunks = Stream.fromIterable(Array.from({ length: 200 }, (_, i) => data.subarray(i * 50, i * 50 + 50)))

/** Runs at one byte per millisecond. */
const run = (more: Partial<Transfer.StreamOptions> = {}) =>
  Transfer.streamEvents(chunks, { ...options, ...more }).pipe(changedStream(pacedBy(1)), collect, withFastClock)

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

  it.effect.prop(
    "report progress that is at least the acknowledged bytes, at most all bytes, and decreases only after Retrying",
    [FastCheck.array(FastCheck.boolean(), { maxLength: 8 }), FastCheck.integer({ min: 1, max: 4 })],
    ([failing, concurrency]) =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        const reset = new TransportFailed({ reason: "reset" })
        for (const fails of failing) if (fails) yield* uploadsTest.failNext("addPart", reset)
        const events = yield* run({ concurrency })
        let acknowledged = 0
        let last = 0
        let decreasesLeft = 0
        for (const event of events) {
          if (event._tag === "Retrying") decreasesLeft++
          if (event._tag === "PartDone") acknowledged += event.bytes
          if (event._tag === "Progress") {
            expect(event.sentBytes).toBeGreaterThanOrEqual(acknowledged)
            expect(event.sentBytes).toBeLessThanOrEqual(event.totalBytes)
            expect(event.bytesPerSecond).toBeGreaterThanOrEqual(0)
            if (event.sentBytes < last) decreasesLeft--
            expect(decreasesLeft).toBeGreaterThanOrEqual(0)
            last = event.sentBytes
          }
        }
        expect(acknowledged).toBe(10_000)
      }).pipe(Effect.provide(both)),
    { fastCheck: { numRuns: 20 } }
  )
})
