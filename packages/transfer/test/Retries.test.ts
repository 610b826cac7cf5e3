import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { UploadId } from "@effect-uploads/domain/Ids"
import { InvalidRequest, PartTooLarge, UploadSizeExceeded } from "@effect-uploads/domain/UploadError"
import * as PartData from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import {
  PermissionDenied,
  QuotaExceeded,
  RateLimited,
  RequestTimeout,
  ServiceUnavailable,
  TransportFailed,
  Unauthenticated
} from "@effect-uploads/http/ServiceError"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
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
  services,
  statuses,
  test,
  withFastClock
} from "./fixtures.js"

const data = bytesOf(8000)
const options = { purpose: "user_data", filename: "data.bin", partSize: 1000, checksum: false } as const

const everySecond = Schedule.spaced("1 second")

const transient = [
  new TransportFailed({ reason: "reset" }),
  new RequestTimeout({}),
  new RateLimited({}),
  new ServiceUnavailable({})
]

describe("a transient failure", () => {
  for (const reason of transient) {
    test(`${reason._tag} makes the part be sent again while other parts are sent`, () =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        yield* uploadsTest.failNext("addPart", reason)
        const events: Array<TransferEvent.TransferEvent> = []
        yield* Transfer.bytesEvents(data, { ...options, concurrency: 2, retryPolicy: everySecond }).pipe(
          Stream.filter((event) => event._tag !== "Progress"),
          Stream.runForEach((event) => Effect.sync(() => events.push(event))),
          during("1 second")
        )
        expect(events.slice(1, -1).map((event) => [event._tag, "index" in event ? event.index : undefined])).toEqual([
          ["Retrying", 0],
          ...[1, 2, 3, 4, 5, 6, 7, 0].map((index) => ["PartDone", index])
        ])
        expect(events[1]).toEqual(
          TransferEvent.Retrying({ index: 0, attempt: 1, reason, delay: Duration.seconds(1) })
        )
        expect(yield* calls("addPart")).toBe(9)
        yield* expectFiles(data)
      }))
  }

  it.scoped("makes the whole part be read again from its file", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/data.bin`
      yield* fs.writeFile(path, data)
      const read: Array<number> = []
      let broken = 3
      yield* Transfer.file(path, { ...options, concurrency: 2, retryPolicy: Schedule.recurs(3) }).pipe(
        Effect.updateService(FileSystem.FileSystem, (fs) => ({
          ...fs,
          stream: (path, options) =>
            Stream.suspend(() => {
              read.push(Number(options?.offset))
              return fs.stream(path, options)
            })
        })),
        changed((uploads) => ({
          addPart: (id, part) =>
            --broken < 0
              ? uploads.addPart(id, part)
              : Effect.zipRight(Stream.runDrain(PartData.toStream(part)), new TransportFailed({ reason: "reset" }))
        }))
      )
      expect(read).toHaveLength(8 + 3)
      expect(new Set(read)).toEqual(new Set([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000]))
      yield* expectFiles(data)
    }).pipe(Effect.provide(Layer.merge(both, NodeFileSystem.layer))))

  test("makes a part of a stream be sent again although the stream is read once", () =>
    Effect.gen(function*() {
      let runs = 0
      let turn = 0
      yield* Transfer.stream(
        Stream.suspend(() => {
          runs++
          return Stream.make(data.subarray(0, 1500), data.subarray(1500))
        }),
        { ...options, bytes: data.byteLength, concurrency: 3, retryPolicy: everySecond }
      ).pipe(
        changed((uploads) => ({
          addPart: (id, part) =>
            turn++ % 2 === 0
              ? uploads.addPart(id, part)
              : Effect.zipRight(Stream.runDrain(PartData.toStream(part)), new TransportFailed({ reason: "reset" }))
        })),
        withFastClock
      )
      expect(runs).toBe(1)
      expect(turn).toBeGreaterThan(8)
      yield* expectFiles(data)
    }))
})

describe("a permanent failure", () => {
  const uploadId = UploadId.make("upload_1")
  const permanent = [
    new InvalidRequest({ problem: "no" }),
    new PartTooLarge({ uploadId, limit: ByteSize.make(10) }),
    new UploadSizeExceeded({ uploadId }),
    new Unauthenticated({}),
    new PermissionDenied({}),
    new QuotaExceeded({})
  ]
  for (const reason of permanent) {
    test(`${reason._tag} ends the transfer at once`, () =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        yield* uploadsTest.failNext("addPart", reason)
        const error = yield* Effect.flip(Transfer.bytes(data, { ...options, concurrency: 1 }))
        expect(error._tag).toBe(reason._tag)
        expect(yield* calls("addPart")).toBe(1)
        expect(yield* statuses).toEqual(["cancelled"])
      }))
  }
})

describe("retryPolicy", () => {
  const unavailable = new ServiceUnavailable({})

  test("ends after ten retries by default, each with about twice the delay of the previous one up to 30 seconds", () =>
    Effect.gen(function*() {
      const events: Array<TransferEvent.TransferEvent> = []
      const error = yield* Transfer.bytesEvents(data, { ...options, concurrency: 1 }).pipe(
        Stream.runForEach((event) => Effect.sync(() => events.push(event))),
        changed(() => ({ addPart: () => unavailable })),
        Effect.flip,
        withFastClock
      )
      expect(error._tag).toBe(unavailable._tag)
      const retries = events.filter(TransferEvent.$is("Retrying"))
      expect(retries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      retries.forEach(({ delay }, index) => {
        const millis = Math.min(30_000, 1000 * 2 ** index)
        expect(Duration.toMillis(delay)).toBeGreaterThanOrEqual(0.8 * millis)
        expect(Duration.toMillis(delay)).toBeLessThanOrEqual(1.2 * millis)
      })
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("counts the attempts of each part separately", () =>
    Effect.gen(function*() {
      const attempts = new Map<number, number>()
      const twice = Schedule.intersect(Schedule.spaced("7 seconds"), Schedule.recurs(2))
      const events = yield* Transfer.bytesEvents(data.subarray(0, 2000), {
        ...options,
        concurrency: 2,
        retryPolicy: twice
      }).pipe(
        changedStream((uploads) => ({
          addPart: (id, part) =>
            Effect.gen(function*() {
              const [bytes] = yield* PartData.collect(part, { limit: 1000, tooLarge: () => unavailable })
              const first = bytes?.[0] ?? 0
              const attempt = (attempts.get(first) ?? 0) + 1
              attempts.set(first, attempt)
              return yield* attempt > 2 ? uploads.addPart(id, part) : Effect.fail(unavailable)
            })
        })),
        collect,
        withFastClock
      )
      expect(
        events.filter(TransferEvent.$is("Retrying")).map(({ attempt, delay, index }) => [
          index,
          attempt,
          Duration.toSeconds(delay)
        ])
      ).toEqual([[0, 1, 7], [1, 1, 7], [0, 2, 7], [1, 2, 7]])
      yield* expectFiles(data.slice(0, 2000))
    }))

  test("replaces the client's own policy for parts and the completion", () =>
    Effect.gen(function*() {
      const seen: Record<string, string> = {}
      const note = (method: keyof UploadsService.Errors) =>
        Effect.map(RetryPolicy.LocalRetryPolicy, (policy) => {
          seen[method] = Option.match(policy, {
            onNone: () => "the client's",
            onSome: (policy) =>
              policy === RetryPolicy.none ? "none" : policy === everySecond ? "the transfer's" : "another"
          })
        })
      const error = yield* Transfer.bytes(data, { ...options, retryPolicy: everySecond }).pipe(
        changed((uploads) => ({
          create: (request) => Effect.zipRight(note("create"), uploads.create(request)),
          addPart: (id, part) => Effect.zipRight(note("addPart"), uploads.addPart(id, part)),
          complete: () => Effect.zipRight(note("complete"), unavailable),
          cancel: (id) => Effect.zipRight(note("cancel"), uploads.cancel(id))
        })),
        Effect.flip
      )
      expect(error._tag).toBe(unavailable._tag)
      expect(seen).toEqual({
        create: "the client's",
        addPart: "none",
        complete: "the transfer's",
        cancel: "the client's"
      })
    }))
})

describe("the delay that a service asks for", () => {
  /** The start time of each attempt. The nth attempt fails after half a second, any other takes one second. */
  const begun = (nth: number, failure: RateLimited | ServiceUnavailable, concurrency: number) =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      yield* Transfer.bytes(data, { ...options, concurrency, retryPolicy: Schedule.recurs(3) }).pipe(
        changed((uploads) => ({
          addPart: (id, part) =>
            Effect.gen(function*() {
              starts.push(yield* elapsed)
              const fails = starts.length === nth
              yield* Effect.sleep(fails ? "500 millis" : "1 second")
              return yield* fails ? Effect.fail(failure) : uploads.addPart(id, part)
            })
        })),
        withFastClock
      )
      yield* expectFiles(data)
      return starts
    })

  test("pauses all parts after a 429", () =>
    Effect.gen(function*() {
      const starts = yield* begun(3, new RateLimited({ retryAfter: Duration.seconds(30) }), 4)
      expect(starts).toEqual([0, 0, 0, 0, 30_500, 30_500, 30_500, 30_500, 31_500])
    }))

  test("pauses one part after a 503", () =>
    Effect.gen(function*() {
      const starts = yield* begun(2, new ServiceUnavailable({ retryAfter: Duration.seconds(30) }), 2)
      expect(starts).toEqual([0, 0, 1000, 2000, 3000, 4000, 5000, 6000, 30_500])
    }))

  test("is the delay of the event when that of the policy is shorter", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", new RateLimited({ retryAfter: Duration.seconds(30) }))
      yield* uploadsTest.failNext("addPart", new TransportFailed({ reason: "reset" }))
      const events = yield* withFastClock(
        collect(Transfer.bytesEvents(data, { ...options, concurrency: 2, retryPolicy: everySecond }))
      )
      expect(events.filter(TransferEvent.$is("Retrying")).map(({ delay }) => Duration.toSeconds(delay))).toEqual([
        30,
        30
      ])
    }))

  test("ends the transfer when it is longer than ten minutes", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      const tooLong = new RateLimited({ retryAfter: Duration.minutes(11) })
      yield* uploadsTest.failNext("addPart", tooLong)
      expect(yield* Effect.flip(Transfer.bytes(data, options))).toMatchObject(
        { _tag: "RateLimited", retryAfter: Duration.minutes(11) }
      )
      expect(yield* statuses).toEqual(["cancelled"])
    }))
})

describe("stallTimeout", () => {
  /** Takes one byte per interval. The first attempt hangs before the last byte. */
  const slowly = (every: Duration.DurationInput) =>
    changedStream((uploads) => {
      let first = true
      return {
        addPart: (id, part) => {
          const hangs = first
          first = false
          return PartData.toStream(part).pipe(
            Stream.take(hangs ? 9 : 10),
            Stream.runForEach(() => Effect.sleep(every)),
            Effect.zipRight(hangs ? Effect.never : uploads.addPart(id, part))
          )
        }
      }
    })

  test("ends an attempt that takes no byte for this time, and the part is sent again", () =>
    Effect.gen(function*() {
      const stallTimeout = Duration.seconds(5)
      const events = yield* Transfer.blobEvents(blobInChunks(data.slice(0, 10), 1), {
        ...options,
        stallTimeout,
        retryPolicy: everySecond
      }).pipe(
        Stream.mapEffect((event) => Effect.map(elapsed, (at) => ({ at, event }))),
        slowly("4 seconds"),
        collect,
        withFastClock
      )
      const [retrying, ...others] = events.filter(({ event }) => event._tag === "Retrying")
      expect(others).toEqual([])
      // The ninth byte is taken at 32 s.
      expect(retrying).toMatchObject({
        at: 37_000,
        event: { index: 0, attempt: 1, reason: { _tag: "TransferStalled", after: stallTimeout } }
      })
      yield* expectFiles(data.slice(0, 10))
    }))

  test("ends the transfer with TransferStalled when all attempts stall", () =>
    Effect.gen(function*() {
      const error = yield* Transfer.bytes(data, { ...options, retryPolicy: Schedule.recurs(2) }).pipe(
        changed(() => ({ addPart: () => Effect.never })),
        Effect.flip,
        Effect.zip(elapsed),
        during("3 minutes")
      )
      expect(error).toMatchObject([{ _tag: "TransferStalled", after: Duration.minutes(1) }, 180_000])
      expect(yield* statuses).toEqual(["cancelled"])
    }))
})
