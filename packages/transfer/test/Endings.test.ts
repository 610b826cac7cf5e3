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
  hastily,
  services,
  statuses,
  test
} from "./fixtures.js"

const data = bytesOf(4000)
const options = { purpose: "user_data", filename: "data.bin", partSize: 1000, concurrency: 2 } as const
const uploadId = UploadId.make("upload_1")
const quota = new QuotaExceeded({})
const unavailable = new ServiceUnavailable({})

const send = Transfer.bytes(data, options)

/** When an effect ends, and how. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.zip(Effect.exit(effect), elapsed)

describe("after a failure", () => {
  test("the Upload is cancelled before the transfer ends", () =>
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

  test("of the completion too", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("complete", new BytesMismatch({ uploadId }))
      expect((yield* Effect.flip(send))._tag).toBe("BytesMismatch")
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("of the creation there is nothing to cancel", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("create", quota)
      expect((yield* Effect.flip(send))._tag).toBe("QuotaExceeded")
      expect(yield* statuses).toEqual([])
      expect(yield* calls("cancel")).toBe(0)
    }))

  test("no part is under way any more when the Upload is cancelled", () =>
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

  test("the cancel is made again for as long as its failure may pass", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      for (const failure of [unavailable, new TransportFailed({ reason: "reset" }), new RateLimited({})]) {
        yield* uploadsTest.failNext("cancel", failure)
      }
      expect((yield* hastily(Effect.flip(send)))._tag).toBe("QuotaExceeded")
      expect(yield* calls("cancel")).toBe(4)
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  for (
    const gone of [
      new UploadNotFound({ uploadId }),
      new UploadAlreadyCancelled({ uploadId }),
      new UploadExpired({ uploadId })
    ]
  ) {
    test(`a cancel that meets ${gone._tag} is as good as one that is done`, () =>
      Effect.gen(function*() {
        const { uploadsTest } = yield* services
        yield* uploadsTest.failNext("addPart", quota)
        yield* uploadsTest.failNext("cancel", gone)
        expect((yield* Effect.flip(send))._tag).toBe("QuotaExceeded")
        expect(yield* calls("cancel")).toBe(1)
      }))
  }

  test("a cancel that meets UploadAlreadyCompleted says so, for that is what is left", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      yield* uploadsTest.failNext("cancel", new UploadAlreadyCompleted({ uploadId, fileId: FileId.make("file-1") }))
      expect(yield* Effect.flip(send)).toMatchObject({ _tag: "UploadAlreadyCompleted", fileId: "file-1" })
    }))
})

describe("UploadLeftPending", () => {
  test("says why the transfer failed, why its cancel did, which Upload is left and until when", () =>
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
        `The quota of the account is used up. Upload ${upload?.id} is left pending until 1970-01-01T01:00:00.000Z: ` +
          "The service does not accept the API key"
      )
    }))

  for (const [name, cancelTimeout] of [["the default", undefined], ["the option", Duration.seconds(3)]] as const) {
    test(`comes after a cancel that takes longer than ${name}`, () =>
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

  test("comes after a cancel that fails again and again", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      const [error, at] = yield* Effect.flip(send).pipe(
        changed(() => ({ cancel: () => unavailable })),
        Effect.zip(elapsed),
        hastily
      )
      expect(error._tag).toBe("UploadLeftPending")
      expect(at).toBe(30_000)
    }))
})

describe("an interruption", () => {
  /** Interrupts a transfer at a moment, and says when it ended. */
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

  test("while the Upload is created waits for it, to cancel it", () =>
    Effect.gen(function*() {
      expect(yield* send.pipe(slow, interruptedAt("4 seconds"))).toBe(15_000)
      expect(yield* statuses).toEqual(["cancelled"])
      expect(yield* calls("addPart")).toBe(0)
    }))

  test("while the Upload is created does not wait for ever", () =>
    Effect.gen(function*() {
      const at = yield* send.pipe(changed(() => ({ create: () => Effect.never })), interruptedAt("4 seconds"))
      expect(at).toBe(34_000)
      expect(yield* statuses).toEqual([])
    }))

  test("while the Upload is created in vain is over with it", () =>
    Effect.gen(function*() {
      const at = yield* send.pipe(
        changed(() => ({ create: () => Effect.delay(quota, "10 seconds") })),
        interruptedAt("4 seconds")
      )
      expect(at).toBe(10_000)
      expect(yield* calls("cancel")).toBe(0)
    }))

  test("while parts are sent cancels the Upload", () =>
    Effect.gen(function*() {
      expect(yield* send.pipe(slow, interruptedAt("24 seconds"))).toBe(29_000)
      expect(yield* statuses).toEqual(["cancelled"])
      expect(yield* calls("addPart")).toBe(2)
    }))

  test("while the Upload is completed cancels it", () =>
    Effect.gen(function*() {
      expect(yield* send.pipe(slow, interruptedAt("34 seconds"))).toBe(39_000)
      expect(yield* statuses).toEqual(["cancelled"])
      expect(yield* calls("complete")).toBe(0)
    }))

  test("while a failed transfer is cancelled waits for that", () =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", quota)
      expect(yield* send.pipe(slow, interruptedAt("24 seconds"))).toBe(25_000)
      expect(yield* statuses).toEqual(["cancelled"])
    }))

  test("whose cancel fails is bounded, and the log says what is left", () =>
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
        ["A transfer that is given up could not cancel its Upload: No answer within 30s"],
        { uploadId: upload?.id, expiresAt: "1970-01-01T01:00:00.000Z" }
      ]])
    }))

  test("of who listens to the events cancels the Upload", () =>
    Effect.gen(function*() {
      const listening = Stream.runDrain(Transfer.bytesEvents(data, options))
      expect(yield* listening.pipe(slow, interruptedAt("14 seconds"))).toBe(19_000)
      expect(yield* statuses).toEqual(["cancelled"])
    }))
})

describe("who listens to the events", () => {
  const events = Transfer.bytesEvents(data, options).pipe(
    changedStream((uploads) => ({ cancel: (id) => Effect.delay(uploads.cancel(id), "5 seconds") }))
  )

  test("and takes only some has the Upload cancelled before the stream ends", () =>
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

  test("and fails has the Upload cancelled", () =>
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

  test("and takes his time does not hold up the transfer", () =>
    Effect.gen(function*() {
      const listening = yield* Effect.fork(Stream.runForEach(events, () => Effect.sleep("1 minute")))
      yield* TestClock.adjust("1 second")
      expect(yield* statuses).toEqual(["completed"])
      yield* Fiber.interrupt(listening)
      yield* expectFiles(data)
    }))

  test("hears of the failure when its Upload is cancelled", () =>
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
    /** An answer is lost after the service acted. */
    lost: FastCheck.constantFrom("create", "complete", "cancel", "none"),
    takes: millis,
    interruption: FastCheck.option(millis, { nil: undefined }),
    concurrency: FastCheck.integer({ min: 1, max: 4 }),
    journal: FastCheck.boolean()
  })

  const env = Layer.mergeAll(both, TransferJournal.layerMemory, NodeFileSystem.layer)

  /** Bytes of a file in memory: no other clock than the transfer's counts. */
  const inMemory = Effect.updateService(FileSystem.FileSystem, (fs) => ({
    ...fs,
    stat: () => Effect.succeed(info),
    access: () => Effect.void,
    realPath: (path) => Effect.succeed(path),
    stream: (_path, options) => {
      const offset = Number(options?.offset)
      return Stream.make(data.subarray(offset, offset + Number(options?.bytesToRead)))
    }
  }))
  const info: FileSystem.File.Info = {
    type: "File",
    mtime: Option.some(new Date(0)),
    atime: Option.none(),
    birthtime: Option.none(),
    dev: 0,
    rdev: Option.none(),
    ino: Option.none(),
    mode: 0,
    nlink: Option.none(),
    uid: Option.none(),
    gid: Option.none(),
    size: FileSystem.Size(data.byteLength),
    blksize: Option.none(),
    blocks: Option.none()
  }

  it.effect.prop(
    "is completed, cancelled, expired, suspended, or left pending with that said, and the service agrees",
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
        /** Fails as the script says, before it does anything or after. */
        const faultily = <A, E>(method: keyof typeof failures, effect: Effect.Effect<A, E>) =>
          Effect.gen(function*() {
            yield* Effect.sleep(script.takes)
            const failure = failures[method].shift()
            if (failure !== undefined) return yield* Effect.fail(failure)
            const answer = yield* effect
            return yield* method === script.lost ? Effect.fail(lost) : Effect.succeed(answer)
          })
        const logged: Array<string> = []
        const logger = Logger.make(({ message }) => {
          logged.push(String(message))
        })
        const isLogged = () => logged.some((line) => line.includes("could not cancel"))
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
                // What was asked for in vain, or was created unheard.
                expect(status).toBe(
                  script.create.length > 0 ? undefined : script.lost === "create" ? "pending" : "cancelled"
                )
            }
          }
          // Whatever a journal kept, the next run of the same transfer completes.
          if (script.journal && script.lost !== "create") {
            yield* transfer
            yield* expectFiles(data)
            const said = isLogged() || Option.exists(failure, (error) => error._tag === "UploadLeftPending")
            expect((yield* statuses).filter((status) => status === "pending")).toHaveLength(
              said && status === "pending" ? 1 : 0
            )
          }
        }).pipe(hastily)
      }).pipe(Effect.provide(env)),
    { fastCheck: { numRuns: 100 } }
  )
})
