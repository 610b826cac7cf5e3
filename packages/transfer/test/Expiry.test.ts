import { documented, UploadLimits } from "@effect-uploads/domain/UploadLimits"
import type { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import {
  blobInChunks,
  both,
  bytesOf,
  calls,
  changed,
  changedStream,
  collect,
  during,
  elapsed,
  expectFiles,
  pacedBy,
  services,
  statuses,
  test,
  withFastClock
} from "./fixtures.js"

const data = bytesOf(4000)
const options = {
  purpose: "user_data",
  filename: "data.bin",
  partSize: 1000,
  concurrency: 1,
  stallTimeout: Duration.infinity
} as const

const withLifetime = (lifetime: Duration.DurationInput) => {
  const limits = { ...documented, uploadLifetime: Duration.decode(lifetime) }
  return <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(Effect.provide(both), Effect.provideService(UploadLimits, limits))
}

const hanging = changed(() => ({ addPart: () => Effect.never }))

describe("the Upload's lifetime", () => {
  test("ends a transfer at the moment at which the Upload expires", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("10 seconds")
      const fiber = yield* Transfer.bytes(data, options).pipe(hanging, Effect.flip, Effect.zip(elapsed), Effect.fork)
      yield* TestClock.adjust(Duration.millis(3_599_999))
      expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
      expect(yield* statuses).toEqual(["pending"])
      yield* TestClock.adjust(Duration.millis(1))
      const [error, at] = yield* Fiber.join(fiber)
      const { uploadsTest } = yield* services
      const [upload] = yield* uploadsTest.uploads
      expect(error).toMatchObject({ _tag: "UploadExpired", uploadId: upload?.id, expiredAt: upload?.expiresAt })
      expect(at).toBe(3_610_000)
      expect(yield* statuses).toEqual(["expired"])
      expect(yield* calls("cancel")).toBe(1)
    }))

  it.effect("is the one that the service states", () =>
    Effect.gen(function*() {
      const [error, at] = yield* Transfer.bytes(data, options).pipe(
        hanging,
        Effect.flip,
        Effect.zip(elapsed),
        during("10 minutes")
      )
      expect(error._tag).toBe("UploadExpired")
      expect(at).toBe(600_000)
    }).pipe(withLifetime("10 minutes")))

  test("ends a transfer that waits for the next attempt", () =>
    Effect.gen(function*() {
      const retryPolicy = Schedule.spaced("20 minutes")
      const error = yield* Transfer.bytes(data, { ...options, stallTimeout: "25 minutes", retryPolicy }).pipe(
        hanging,
        Effect.flip,
        Effect.zip(elapsed),
        during("1 hour")
      )
      expect(error).toMatchObject([{ _tag: "UploadExpired" }, 3_600_000])
    }))
})

describe("onExpiry", () => {
  /** The first Upload receives one part, and the second part hangs. */
  const firstHangs = changedStream((uploads) => {
    let parts = 0
    return {
      addPart: (id, part) => ++parts === 2 ? Effect.never : uploads.addPart(id, part)
    }
  })

  let reads = 0
  const stream = Stream.suspend(() => {
    reads++
    return Stream.make(data)
  })

  const sources: Record<
    string,
    (
      options: Transfer.NamedOptions,
      path: string
    ) => Stream.Stream<TransferEvent.TransferEvent, unknown, FileSystem.FileSystem | UploadsService>
  > = {
    file: (options, path) => Transfer.fileEvents(path, options),
    bytes: (options) => Transfer.bytesEvents(data, options),
    blob: (options) => Transfer.blobEvents(new Blob([data]), options),
    stream: (options) => Transfer.streamEvents(stream, { ...options, bytes: data.byteLength })
  }

  for (const [name, events] of Object.entries(sources)) {
    it.scoped(`"restart" sends all bytes of a ${name} again with a new Upload`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = `${yield* fs.makeTempDirectoryScoped()}/data.bin`
        yield* fs.writeFile(path, data)
        const fiber = yield* Effect.fork(
          collect(
            firstHangs(events({ ...options, onExpiry: "restart" }, path)).pipe(
              Stream.filter(({ _tag }) => _tag !== "Progress")
            )
          )
        )
        while ((yield* calls("addPart")) < 1) yield* TestClock.adjust("1 millis")
        yield* TestClock.adjust("2 seconds")
        const all = yield* Fiber.join(fiber)
        const { uploadsTest } = yield* services
        const [first] = yield* uploadsTest.uploads
        expect(all.map(({ _tag }) => _tag)).toEqual([
          "Started",
          "PartDone",
          "Restarted",
          "Started",
          "PartDone",
          "PartDone",
          "PartDone",
          "PartDone",
          "Completed"
        ])
        expect(all[2]).toMatchObject({ replaced: first?.id })
        expect(yield* statuses).toEqual(["expired", "completed"])
        yield* expectFiles(data)
      }).pipe(withLifetime("2 seconds"), Effect.provide(NodeFileSystem.layer)))
  }

  test("\"restart\" reads a stream again from its beginning", () =>
    Effect.gen(function*() {
      reads = 0
      yield* Transfer.stream(stream, { ...options, bytes: data.byteLength, onExpiry: "restart" }).pipe(
        changed((uploads) => {
          let parts = 0
          return { addPart: (id, part) => ++parts === 2 ? Effect.never : uploads.addPart(id, part) }
        }),
        during("1 hour")
      )
      expect(reads).toBe(2)
      yield* expectFiles(data)
    }))

  it.effect("\"restart\" gives up when a new Upload has already expired", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Transfer.bytes(data, { ...options, onExpiry: "restart" }))
      expect(error._tag).toBe("UploadExpired")
      expect(yield* calls("create")).toBe(1)
    }).pipe(withLifetime(0)))
})

describe("TooSlow", () => {
  const paced = (millis: number) => changedStream(pacedBy(millis))

  const blob = blobInChunks(data, 10)

  const eventsAt = (millis: number) => {
    const events: Array<TransferEvent.TransferEvent> = []
    return Transfer.blobEvents(blob, { ...options, partSize: 100 }).pipe(
      paced(millis),
      Stream.runForEach((event) => Effect.sync(() => events.push(event))),
      Effect.exit,
      Effect.as(events),
      withFastClock
    )
  }

  it.effect("is emitted once, after ten seconds at a rate that is too low", () =>
    Effect.gen(function*() {
      // 4000 bytes at 20 ms take 80 s.
      const events = yield* eventsAt(20)
      const warnings = events.filter(TransferEvent.$is("TooSlow"))
      expect(warnings).toHaveLength(1)
      const [{ expectedAt, expiresAt } = expect.fail("no warning")] = warnings
      expect(DateTime.toEpochMillis(expiresAt)).toBe(60_000)
      expect(DateTime.toEpochMillis(expectedAt)).toBeGreaterThan(75_000)
      expect(DateTime.toEpochMillis(expectedAt)).toBeLessThan(85_000)
      expect(events.some(({ _tag }) => _tag === "Completed")).toBe(false)
    }).pipe(withLifetime("1 minute")))

  it.effect("is not emitted when the transfer completes in time", () =>
    Effect.gen(function*() {
      const events = yield* eventsAt(10)
      expect(events.map(({ _tag }) => _tag)).not.toContain("TooSlow")
      expect(events.at(-1)?._tag).toBe("Completed")
    }).pipe(withLifetime("1 minute")))
})
