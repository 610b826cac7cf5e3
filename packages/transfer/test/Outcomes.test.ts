import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import {
  BytesMismatch,
  UploadAlreadyCancelled,
  UploadAlreadyCompleted,
  UploadExpired,
  UploadNotFound
} from "@effect-uploads/domain/UploadError"
import {
  QuotaExceeded,
  RateLimited,
  ResponseMalformed,
  ServiceUnavailable,
  TransportFailed,
  Unauthenticated
} from "@effect-uploads/http/ServiceError"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import {
  both,
  bytesOf,
  calls,
  changed,
  changedStream,
  during,
  elapsed,
  expectFiles,
  fileInfo,
  services,
  statuses,
  test,
  withFastClock
} from "./fixtures.js"

const data = bytesOf(4000)
const options = { purpose: "user_data", filename: "data.bin", partSize: 1000, concurrency: 2 } as const
const uploadId = UploadId.make("upload_1")
const quota = new QuotaExceeded({})
const unavailable = new ServiceUnavailable({})

const send = Transfer.bytes(data, options)

/** The exit of an effect, and when it ended. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.zip(Effect.exit(effect), elapsed)

describe("a failed transfer", () => {
  test("cancels its Upload before it ends", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      const [error, at] = yield* Effect.flip(send).pipe(
        changed((uploads) => ({ cancel: (id) => Effect.delay(uploads.cancel(id), "5 seconds") })),
        Effect.zip(elapsed),
        during("5 seconds")
      )
      expect(error._tag).toBe("QuotaExceeded")
      expect(at).toBe(5000)
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("cancels its Upload when the completion failed", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("complete", new BytesMismatch({ uploadId }))
      expect((yield* Effect.flip(send))._tag).toBe("BytesMismatch")
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("has nothing to cancel when the creation failed", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("create", quota)
      expect((yield* Effect.flip(send))._tag).toBe("QuotaExceeded")
      expect(yield* statuses).toEqual([])
      expect(yield* calls("cancel")).toBe(0)
    }))

  test("cancels the Upload whose creation has a response that cannot be decoded, but an id", () =>
    Effect.gen(function*() {
      const { uploads, uploadsTest } = yield* services
      const { id } = yield* uploads.create({
        filename: "a.bin",
        bytes: 1,
        purpose: "user_data",
        mimeType: "application/octet-stream"
      })
      const response = new ErrorResponse({ status: 200 })
      yield* uploadsTest.failNext("create", new ResponseMalformed({ problem: "expires_at", response, uploadId: id }))
      expect(yield* Effect.flip(send)).toMatchObject({ _tag: "ResponseMalformed", uploadId: id })
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("stops sending parts before it cancels its Upload", () =>
    Effect.gen(function*() {
      let underWay = 0
      let first = true
      let atCancel: number | undefined
      const error = yield* Effect.flip(send).pipe(changed((uploads) => ({
        addPart: () => {
          underWay++
          const failing = !first
          first = false
          return Effect.ensuring(failing ? Effect.fail(quota) : Effect.never, Effect.sync(() => underWay--))
        },
        cancel: (id) => {
          atCancel = underWay
          return uploads.cancel(id)
        }
      })))
      expect(error._tag).toBe("QuotaExceeded")
      expect(atCancel).toBe(0)
    }))

  test("repeats the cancel after transient failures", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      for (const failure of [unavailable, new TransportFailed({ reason: "reset" }), new RateLimited({})]) {
        yield* uploadsTest.failNext("cancel", failure)
      }
      expect((yield* withFastClock(Effect.flip(send)))._tag).toBe("QuotaExceeded")
      expect(yield* calls("cancel")).toBe(4)
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  for (
    const ended of [
      new UploadNotFound({ uploadId }),
      new UploadAlreadyCancelled({ uploadId }),
      new UploadExpired({ uploadId })
    ]
  ) {
    test(`accepts ${ended._tag} as the response to its cancel`, () =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        yield* uploadsTest.failNext("addPart", quota)
        yield* uploadsTest.failNext("cancel", ended)
        expect((yield* Effect.flip(send))._tag).toBe("QuotaExceeded")
        expect(yield* calls("cancel")).toBe(1)
      }))
  }

  test("fails with UploadAlreadyCompleted when that is the response to its cancel", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      yield* uploadsTest.failNext("cancel", new UploadAlreadyCompleted({ uploadId, fileId: FileId.make("file-1") }))
      expect(yield* Effect.flip(send)).toMatchObject({ _tag: "UploadAlreadyCompleted", fileId: "file-1" })
    }))
})

describe("UploadLeftPending", () => {
  test("has the failure of the transfer, that of the cancel, the Upload and its expiry", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      yield* uploadsTest.failNext("cancel", new Unauthenticated({}))
      const error = yield* Effect.flip(send)
      const [upload] = yield* uploadsTest.uploads
      expect(upload?.status).toBe("pending")
      expect(error).toMatchObject({
        _tag: "UploadLeftPending",
        uploadId: upload?.id,
        expiresAt: upload?.expiresAt,
        failure: { _tag: "QuotaExceeded" },
        cancelFailure: { _tag: "Unauthenticated" }
      })
      expect(error.message).toBe(
        `The quota of the account is used up. Upload ${upload?.id} is pending until 1970-01-01T01:00:00.000Z: ` +
          "The service does not accept the API key"
      )
    }))

  for (const [name, cancelTimeout] of [["the default", undefined], ["cancelTimeout", Duration.seconds(3)]] as const) {
    test(`is the error when the cancel takes longer than ${name}`, () =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        yield* uploadsTest.failNext("addPart", quota)
        const bound = cancelTimeout ?? Duration.seconds(30)
        const [error, at] = yield* Effect.flip(Transfer.bytes(data, { ...options, cancelTimeout })).pipe(
          changed(() => ({ cancel: () => Effect.never })),
          Effect.zip(elapsed),
          during("1 minute")
        )
        expect(error).toMatchObject({
          _tag: "UploadLeftPending",
          cancelFailure: { _tag: "RequestTimeout", after: bound }
        })
        expect(at).toBe(Duration.toMillis(bound))
      }))
  }

  test("is the error when all attempts to cancel fail", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      const [error, at] = yield* Effect.flip(send).pipe(
        changed(() => ({ cancel: () => unavailable })),
        Effect.zip(elapsed),
        withFastClock
      )
      expect(error._tag).toBe("UploadLeftPending")
      expect(at).toBe(30_000)
    }))
})

describe("an interruption", () => {
  /** Interrupts a transfer at a moment, and returns when it ended. */
  const interruptedAt = (moment: Duration.DurationInput) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(timed(effect))
      yield* TestClock.adjust(moment)
      const interrupting = yield* Effect.fork(Effect.zip(Fiber.interrupt(fiber), elapsed))
      yield* TestClock.adjust("1 minute")
      const [exit, at] = yield* Fiber.join(interrupting)
      expect(Exit.isInterrupted(exit)).toBe(true)
      return at
    })

  const slow = changed((uploads) => ({
    create: (request) => Effect.delay(uploads.create(request), "10 seconds"),
    addPart: (id, part) => Effect.delay(uploads.addPart(id, part), "10 seconds"),
    complete: (id, request) => Effect.delay(uploads.complete(id, request), "10 seconds"),
    cancel: (id) => Effect.delay(uploads.cancel(id), "5 seconds")
  }))

  test("during the creation waits for the Upload and cancels it", () =>
    Effect.gen(function*() {
      expect(yield* send.pipe(slow, interruptedAt("4 seconds"))).toBe(15_000)
      expect(yield* statuses).toEqual(["cancelled"])
      expect(yield* calls("addPart")).toBe(0)
    }))

  test("during the creation waits for the cancel timeout at most", () =>
    Effect.gen(function*() {
      const at = yield* send.pipe(changed(() => ({ create: () => Effect.never })), interruptedAt("4 seconds"))
      expect(at).toBe(34_000)
      expect(yield* statuses).toEqual([])
    }))

  test("during a creation that fails ends with that failure", () =>
    Effect.gen(function*() {
      const at = yield* send.pipe(
        changed(() => ({ create: () => Effect.delay(quota, "10 seconds") })),
        interruptedAt("4 seconds")
      )
      expect(at).toBe(10_000)
      expect(yield* calls("cancel")).toBe(0)
    }))

  test("during the sending of parts cancels the Upload", () =>
    Effect.gen(function*() {
      expect(yield* send.pipe(slow, interruptedAt("24 seconds"))).toBe(29_000)
      expect(yield* statuses).toEqual(["cancelled"])
      expect(yield* calls("addPart")).toBe(2)
    }))

  test("during the completion cancels the Upload", () =>
    Effect.gen(function*() {
      expect(yield* send.pipe(slow, interruptedAt("34 seconds"))).toBe(39_000)
      expect(yield* statuses).toEqual(["cancelled"])
      expect(yield* calls("complete")).toBe(0)
    }))

  test("during the cancel of a failed transfer waits for the cancel", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      expect(yield* send.pipe(slow, interruptedAt("24 seconds"))).toBe(25_000)
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("waits for a failing cancel for a bounded time and logs the pending Upload", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ annotations, message }) => {
        logged.push([message, Object.fromEntries(annotations)])
      })
      const { uploadsTest } = yield* services
      const at = yield* send.pipe(
        changed((uploads) => ({
          addPart: (id, part) => Effect.delay(uploads.addPart(id, part), "10 seconds"),
          cancel: () => Effect.never
        })),
        Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
        interruptedAt("4 seconds")
      )
      expect(at).toBe(34_000)
      const [upload] = yield* uploadsTest.uploads
      expect(logged).toEqual([[
        ["The Upload of an unfinished transfer could not be cancelled: No response within 30s"],
        { uploadId: upload?.id, expiresAt: "1970-01-01T01:00:00.000Z" }
      ]])
    }))

  test("of the reader of the events cancels the Upload", () =>
    Effect.gen(function*() {
      const listening = Stream.runDrain(Transfer.bytesEvents(data, options))
      expect(yield* listening.pipe(slow, interruptedAt("14 seconds"))).toBe(19_000)
      expect(yield* statuses).toEqual(["cancelled"])
    }))
})

describe("the reader of the events", () => {
  const events = Transfer.bytesEvents(data, options).pipe(
    changedStream((uploads) => ({ cancel: (id) => Effect.delay(uploads.cancel(id), "5 seconds") }))
  )

  test("cancels the Upload by taking only some events, before the stream ends", () =>
    Effect.gen(function*() {
      const at = yield* events.pipe(
        changedStream((uploads) => ({ addPart: (id, part) => Effect.delay(uploads.addPart(id, part), "1 seconds") })),
        Stream.take(2),
        Stream.runDrain,
        Effect.zipRight(elapsed),
        during("10 seconds")
      )
      expect(at).toBe(6000)
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("cancels the Upload by failing", () =>
    Effect.gen(function*() {
      const error = yield* events.pipe(
        changedStream(() => ({ addPart: () => Effect.never })),
        Stream.runForEach(() => Effect.fail("enough")),
        Effect.flip,
        during("10 seconds")
      )
      expect(error).toBe("enough")
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("does not delay the transfer by reading slowly", () =>
    Effect.gen(function*() {
      const listening = yield* Effect.fork(Stream.runForEach(events, () => Effect.sleep("1 minute")))
      yield* TestClock.adjust("1 second")
      expect(yield* statuses).toEqual(["completed"])
      yield* Fiber.interrupt(listening)
      yield* expectFiles(data)
    }))

  test("receives the failure after the Upload is cancelled", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("complete", quota)
      const [error, at] = yield* Stream.runDrain(events).pipe(Effect.flip, Effect.zip(elapsed), during("5 seconds"))
      expect(error._tag).toBe("QuotaExceeded")
      expect(at).toBe(5000)
    }))
})

describe("every transfer", () => {
  const millis = FastCheck.oneof(FastCheck.nat(4000), FastCheck.nat(900_000))
  const failures = FastCheck.constantFrom(
    unavailable,
    quota,
    new TransportFailed({ reason: "reset" }),
    new RateLimited({ retryAfter: Duration.seconds(20) })
  )
  const lost = new TransportFailed({ reason: "reset" })
  const script = FastCheck.record({
    create: FastCheck.array(failures, { maxLength: 1 }),
    addPart: FastCheck.array(FastCheck.option(failures, { nil: undefined }), { maxLength: 12 }),
    complete: FastCheck.array(failures, { maxLength: 1 }),
    cancel: FastCheck.array(failures, { maxLength: 6 }),
    /** The method whose response is lost after the service acted. */
    lost: FastCheck.constantFrom("create", "complete", "cancel", "none"),
    takes: millis,
    interruption: FastCheck.option(millis, { nil: undefined }),
    concurrency: FastCheck.integer({ min: 1, max: 4 }),
    journal: FastCheck.boolean()
  })

  const env = Layer.mergeAll(both, TransferJournal.layerMemory, NodeFileSystem.layer)

  /** A file in memory, so that no real time passes. */
  const inMemory = Effect.updateService(FileSystem.FileSystem, (fs) => ({
    ...fs,
    stat: () => Effect.succeed(fileInfo(data.byteLength)),
    access: () => Effect.void,
    realPath: (path) => Effect.succeed(path),
    stream: (_path, options) => {
      const offset = Number(options?.offset)
      return Stream.make(data.subarray(offset, offset + Number(options?.bytesToRead)))
    }
  }))

  it.effect.prop(
    "ends completed, cancelled, expired, suspended or reported as pending, in agreement with the service",
    [script],
    ([script]) =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        const failures = {
          create: [...script.create],
          addPart: [...script.addPart],
          complete: [...script.complete],
          cancel: [...script.cancel]
        }
        /** Fails before or after the call, as the script says. */
        const faultily = <A, E>(method: keyof typeof failures, effect: Effect.Effect<A, E>) =>
          Effect.gen(function*() {
            yield* Effect.sleep(script.takes)
            const failure = failures[method].shift()
            if (failure !== undefined) return yield* Effect.fail(failure)
            const response = yield* effect
            return yield* method === script.lost ? Effect.fail(lost) : Effect.succeed(response)
          })
        const logged: Array<string> = []
        const logger = Logger.make(({ message }) => {
          logged.push(String(message))
        })
        const isLogged = () => logged.some((line) => line.includes("could not be cancelled"))
        const transfer = Transfer.file("/data.bin", { ...options, concurrency: script.concurrency }).pipe(
          inMemory,
          script.journal ? (effect) => effect : Effect.provideService(TransferJournal.TransferJournal, Option.none())
        )
        const faulty = transfer.pipe(
          changed((uploads) => ({
            create: (request) => faultily("create", uploads.create(request)),
            addPart: (id, part) => faultily("addPart", uploads.addPart(id, part)),
            complete: (id, request) => faultily("complete", uploads.complete(id, request)),
            cancel: (id) => faultily("cancel", uploads.cancel(id))
          })),
          Effect.provide(Logger.replace(Logger.defaultLogger, logger))
        )

        yield* Effect.gen(function*() {
          const fiber = yield* Effect.fork(faulty)
          if (script.interruption !== undefined) {
            yield* Effect.sleep(script.interruption)
            yield* Fiber.interruptFork(fiber)
          }
          const exit = yield* Fiber.await(fiber)
          const [upload, ...others] = yield* uploadsTest.uploads
          const status = upload?.status
          expect(others).toEqual([])

          if (Exit.isSuccess(exit)) {
            expect(status).toBe("completed")
            return yield* expectFiles(data)
          }
          const failure = Cause.failureOption(exit.cause)
          if (Option.isNone(failure)) {
            expect(Cause.isInterruptedOnly(exit.cause)).toBe(true)
            if (status === "pending" && !script.journal && script.lost !== "create") {
              expect(isLogged()).toBe(true)
            }
          } else {
            const error = failure.value
            switch (error._tag) {
              case "TransferSuspended":
                expect(script.journal).toBe(true)
                expect(["pending", "completed"]).toContain(status)
                expect(error.uploadId).toBe(upload?.id)
                break
              case "UploadLeftPending":
                expect(error.uploadId).toBe(upload?.id)
                expect(error.expiresAt).toEqual(upload?.expiresAt)
                break
              case "UploadExpired":
                expect(status).toBe("expired")
                break
              case "UploadAlreadyCompleted":
                expect(status).toBe("completed")
                break
              default:
                // The creation failed, or its response was lost.
                expect(status).toBe(
                  script.create.length > 0 ? undefined : script.lost === "create" ? "pending" : "cancelled"
                )
            }
          }
          // The next run completes the transfer from any state of the journal.
          if (script.journal && script.lost !== "create") {
            yield* transfer
            yield* expectFiles(data)
            const reported = isLogged() || Option.exists(failure, (error) => error._tag === "UploadLeftPending")
            // The next run may have found the reported Upload by its idempotency key, and completed it.
            const pending = (yield* statuses).filter((status) => status === "pending")
            expect(pending.length).toBeLessThanOrEqual(reported && status === "pending" ? 1 : 0)
          }
        }).pipe(withFastClock)
      }).pipe(Effect.provide(env)),
    { fastCheck: { numRuns: 100 } }
  )
})
