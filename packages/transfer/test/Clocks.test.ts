import * as Upload from "@effect-uploads/domain/Upload"
import { QuotaExceeded } from "@effect-uploads/http/ServiceError"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
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
  elapsed,
  expectFiles,
  pacedBy,
  statuses,
  test,
  withFastClock,
  written
} from "./fixtures.js"

const data = bytesOf(4000)
const options = {
  purpose: "user_data",
  filename: "data.bin",
  partSize: 1000,
  concurrency: 1,
  stallTimeout: Duration.infinity
} as const

/** A service whose clock differs from that of this process by a number of hours. */
const withServiceClock = (hours: number) => (uploads: UploadsService.Service): Partial<UploadsService.Service> => ({
  create: (request) =>
    Effect.map(uploads.create(request), (upload) =>
      new Upload.Pending({
        ...upload,
        createdAt: DateTime.add(upload.createdAt, { hours }),
        expiresAt: DateTime.add(upload.expiresAt, { hours })
      }))
})

/** So that the other clock may be behind. */
const start = 10 * 3_600_000

const hang = { addPart: () => Effect.never }

/**
 * Sets the clock of this process forward or back by `setBy.hours`, while the monotonic clock goes on. The service keeps its clock.
 */
const withSetClock = (setBy: { hours: number }) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.clock, (clock) => {
    const now = () => clock.unsafeCurrentTimeMillis() + setBy.hours * 3_600_000
    const ofService = changed((uploads) => ({
      create: (request) => Effect.withClock(uploads.create(request), clock),
      addPart: (id, part) => Effect.withClock(uploads.addPart(id, part), clock),
      complete: (id, request) => Effect.withClock(uploads.complete(id, request), clock),
      cancel: (id) => Effect.withClock(uploads.cancel(id), clock)
    }))
    return Effect.withClock(ofService(effect), {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: now,
      currentTimeMillis: Effect.sync(now),
      unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
      currentTimeNanos: clock.currentTimeNanos,
      sleep: (duration) => clock.sleep(duration)
    })
  })

describe("a service whose clock differs", () => {
  for (const hours of [-2, 2]) {
    test(`by ${hours} hours gets the File`, () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(start)
        yield* Transfer.bytes(data, options).pipe(changed(withServiceClock(hours)))
        yield* expectFiles(data)
      }))

    test(`by ${hours} hours ends a transfer one hour after the creation, with its cancel`, () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(start)
        const slowly = changed((uploads) => ({ ...withServiceClock(hours)(uploads), ...hang }))
        const fiber = yield* Transfer.bytes(data, options).pipe(slowly, Effect.flip, Effect.zip(elapsed), Effect.fork)
        yield* TestClock.adjust(Duration.millis(3_599_999))
        expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
        yield* TestClock.adjust("1 millis")
        expect(yield* Fiber.join(fiber)).toMatchObject([{ _tag: "UploadExpired" }, start + 3_600_000])
        expect(yield* calls("cancel")).toBe(1)
      }))

    test(`by ${hours} hours is warned of with the times of that clock, as soon as the rate is too low`, () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(start)
        // 4000 bytes at 1080 ms take 72 minutes.
        const events = yield* Transfer.blobEvents(blobInChunks(data, 1), { ...options, stallTimeout: "1 minute" }).pipe(
          changedStream((uploads) => ({ ...withServiceClock(hours)(uploads), ...pacedBy(1080)(uploads) })),
          Stream.filter(TransferEvent.$is("TooSlow")),
          Stream.take(1),
          collect,
          withFastClock
        )
        const [warning = expect.fail("no warning")] = events
        expect(DateTime.toEpochMillis(warning.expiresAt)).toBe(start + (1 + hours) * 3_600_000)
        const late = DateTime.distance(warning.expiresAt, warning.expectedAt)
        expect(late).toBeGreaterThan(5 * 60_000)
        expect(late).toBeLessThan(20 * 60_000)
      }))
  }
})

describe("a clock of this process that is set", () => {
  for (const hours of [-5, 5]) {
    test(`by ${hours} hours during a transfer changes neither its lifetime nor its stall timeout`, () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(start)
        const setBy = { hours: 0 }
        const fiber = yield* Transfer.bytes(data, { ...options, stallTimeout: "20 minutes" }).pipe(
          changed(() => hang),
          withSetClock(setBy),
          Effect.flip,
          Effect.zip(elapsed),
          Effect.fork
        )
        yield* TestClock.adjust("1 second")
        setBy.hours = hours
        yield* TestClock.adjust("2 hours")
        const [error, at] = yield* Fiber.join(fiber)
        expect(error._tag).toBe("UploadExpired")
        expect(at).toBe(start + 3_600_000)
      }))
  }
})

describe("a resumed transfer", () => {
  const env = Layer.mergeAll(both, TransferJournal.layerMemory, NodeFileSystem.layer)

  const suspended = (path: string, hours: number) => {
    let sent = 0
    return Transfer.file(path, options).pipe(
      changed((uploads) => ({
        ...withServiceClock(hours)(uploads),
        addPart: (id, part) =>
          Effect.suspend(() => sent++ < 2 ? uploads.addPart(id, part) : Effect.fail(new QuotaExceeded({})))
      })),
      Effect.flip
    )
  }

  it.scoped("continues a pending Upload although its expiry has passed by the clock of this process", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(start)
      const path = yield* written(data)
      yield* suspended(path, -2)
      yield* Transfer.file(path, options)
      expect(yield* calls("create")).toBe(1)
      expect(yield* calls("addPart")).toBe(4)
      yield* expectFiles(data)
    }).pipe(Effect.provide(env)))

  it.scoped("has the rest of the Upload's lifetime, measured from its creation", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(start)
      const path = yield* written(data)
      yield* suspended(path, 2)
      yield* TestClock.adjust("50 minutes")
      const sending = yield* Deferred.make<void>()
      const fiber = yield* Transfer.file(path, options).pipe(
        changed(() => ({ addPart: () => Effect.zipRight(Deferred.succeed(sending, undefined), Effect.never) })),
        Effect.flip,
        Effect.zip(elapsed),
        Effect.fork
      )
      yield* Deferred.await(sending)
      yield* TestClock.adjust("3 hours")
      expect(yield* Fiber.join(fiber)).toMatchObject([{ _tag: "UploadExpired" }, start + 3_600_000])
    }).pipe(Effect.provide(env)))

  it.scoped("cancels the Upload that seems expired before it starts again from zero", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(start)
      const path = yield* written(data)
      yield* suspended(path, 0)
      yield* Transfer.file(path, options).pipe(withSetClock({ hours: 2 }))
      expect(yield* statuses).toEqual(["cancelled", "completed"])
      yield* expectFiles(data)
    }).pipe(Effect.provide(env)))
})
