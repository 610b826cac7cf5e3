import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as PartData from "@effect-uploads/http/PartData"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import { FilesEvent } from "@effect-uploads/transfer/TransferFiles"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Output from "../src/Output.js"
import type { Mode } from "../src/progress/Reporter.js"
import * as Reporter from "../src/progress/Reporter.js"
import { limitRate } from "../src/rateLimit.js"
import * as uploadTracker from "../src/uploadTracker.js"
import { recorder } from "./support/inProcess.js"

const upload = new Upload.Pending({
  id: UploadId.make("upload_1"),
  bytes: ByteSize.make(1000),
  createdAt: Timestamp.fromEpochMillis(0),
  expiresAt: Timestamp.fromEpochMillis(3_600_000),
  filename: "a.bin",
  purpose: "user_data"
})

const started = TransferEvent.Started({ upload, parts: 2, resumedBytes: 0, resumed: [] })

const progress = (sentBytes: number) =>
  TransferEvent.Progress({
    sentBytes,
    totalBytes: 1000,
    repeatedBytes: 0,
    repeating: [],
    sending: [],
    bytesPerSecond: 100,
    timeLeft: Option.some(Duration.seconds((1000 - sentBytes) / 100))
  })

const retrying = TransferEvent.Retrying({
  index: 0,
  attempt: 1,
  reason: new Error("socket hang up"),
  delay: Duration.seconds(1)
})

const completing = TransferEvent.RequestRetrying({
  request: "complete",
  attempt: 3,
  reason: new Error("bad gateway\u001b[2J"),
  delay: Duration.millis(15_400)
})

const file = (event: TransferEvent.TransferEvent, index = 0) => FilesEvent.FileEvent({ index, name: "in/a.bin", event })

/** A reporter, by default of one file, and what it wrote. */
const make = (
  mode: Mode,
  terminal?: { columns: number; rows: number },
  sources = [{ path: "in/a.bin", name: "a.bin" }]
) =>
  Effect.gen(function*() {
    const stdout = recorder()
    const stderr = recorder(terminal)
    const output = Output.make({ stdout: stdout.writer, stderr: stderr.writer, colours: false })
    const reporter = yield* Effect.provideService(
      Reporter.make(sources, { mode, partsInFlight: () => 2 }),
      Output.Output,
      output
    )
    return { reporter, stdout, stderr }
  })

describe("a reporter", () => {
  it.scoped("prints a line every five seconds without a terminal", () =>
    Effect.gen(function*() {
      const { reporter, stderr, stdout } = yield* make("person")
      yield* TestClock.adjust("6 seconds")
      expect(stderr.lines()).toEqual([])
      yield* reporter.event(file(started))
      yield* reporter.event(file(progress(250)))
      yield* reporter.event(file(retrying))
      yield* TestClock.adjust("10 seconds")
      const line = "a.bin: 25%, 250 B of 1000 B, 100 B/s, 0:08 left, 2 parts in flight, 1 retry"
      expect(stderr.lines()).toEqual([line, line])
      expect(stdout.lines()).toEqual([])
    }))

  it.scoped("redraws its bars five times a second in a terminal", () =>
    Effect.gen(function*() {
      const { reporter, stderr } = yield* make("person", { columns: 80, rows: 24 })
      yield* TestClock.adjust("200 millis")
      expect(stderr.text()).toBe("a.bin: starting\n")
      yield* reporter.event(file(started))
      yield* TestClock.adjust("1 second")
      expect(stderr.text().split("\u001b[1F\u001b[0J")).toHaveLength(6)
    }))

  it.scoped("prints the events that matter to a person above the bars", () =>
    Effect.gen(function*() {
      const { reporter, stderr } = yield* make("person")
      yield* reporter.event(file(TransferEvent.Started({ upload, parts: 2, resumedBytes: 500, resumed: [0] })))
      yield* reporter.event(
        file(TransferEvent.TooSlow({ expiresAt: upload.expiresAt, expectedAt: Timestamp.fromEpochMillis(4_000_000) }))
      )
      yield* reporter.event(file(TransferEvent.Restarted({ replaced: upload.id })))
      yield* reporter.event(file(completing))
      expect(stderr.lines()).toEqual([
        "a.bin: resumed, 500 B of 1000 B are there already",
        "a.bin: at this rate it is sent at 1970-01-01 01:06:40 UTC, after the Upload expires at 1970-01-01 01:00:00 UTC",
        "a.bin: begins again with a new Upload in place of upload_1",
        "a.bin: the request to complete the Upload failed, again in 0:16: bad gateway\ufffd[2J"
      ])
    }))

  it.scoped("prints every event as a line of JSON for a script, and nothing in quiet", () =>
    Effect.gen(function*() {
      const events = [
        started,
        progress(250),
        TransferEvent.PartDone({
          index: 0,
          part: new UploadPart({ id: PartId.make("part_1"), createdAt: upload.createdAt, uploadId: upload.id }),
          bytes: 500
        }),
        retrying,
        completing,
        TransferEvent.Restarted({ replaced: upload.id })
      ]
      const json = yield* make("json")
      const quiet = yield* make("quiet", { columns: 80, rows: 24 })
      for (const event of events) {
        yield* json.reporter.event(file(event))
        yield* quiet.reporter.event(file(event))
      }
      yield* TestClock.adjust("10 seconds")
      expect(json.stdout.lines().map((line) => JSON.parse(line))).toMatchObject([
        { event: "started", file: "in/a.bin", uploadId: "upload_1", expiresAt: "1970-01-01T01:00:00.000Z" },
        { event: "progress", sentBytes: 250, totalBytes: 1000, bytesPerSecond: 100, secondsLeft: 7.5 },
        { event: "part", index: 0, partId: "part_1", bytes: 500 },
        { event: "retrying", index: 0, attempt: 1, reason: "socket hang up", delay: 1 },
        { event: "requestRetrying", request: "complete", attempt: 3, delay: 15.4 },
        { event: "restarted", replacedUploadId: "upload_1" }
      ])
      expect([json.stderr.text(), quiet.stdout.text(), quiet.stderr.text()]).toEqual(["", "", ""])
    }))

  it.scoped("reports the progress of several files together, and distinguishes files of the same name by their paths", () =>
    Effect.gen(function*() {
      const total = FilesEvent.FilesProgress({
        sentBytes: 250,
        totalBytes: 2000,
        endedFiles: 0,
        totalFiles: 2,
        bytesPerSecond: 100,
        timeLeft: Option.some(Duration.seconds(17.5))
      })
      const sources = ["in/a.bin", "out/a.bin"].map((path) => ({ path, name: "a.bin" }))
      const person = yield* make("person", { columns: 80, rows: 24 }, sources)
      const script = yield* make("json", undefined, sources)
      const alone = yield* make("json")
      for (const { reporter } of [person, script, alone]) {
        yield* reporter.event(file(started, 0))
        yield* reporter.event(total)
      }
      yield* TestClock.adjust("200 millis")
      expect(person.stderr.lines().map((line) => line.slice(0, 18))).toEqual([
        "in/a.bin   0% [>  ",
        "0 of 2 files  12% "
      ])
      expect(script.stdout.lines().map((line) => JSON.parse(line)).at(-1)).toEqual({
        event: "total",
        sentBytes: 250,
        totalBytes: 2000,
        endedFiles: 0,
        totalFiles: 2,
        bytesPerSecond: 100,
        secondsLeft: 17.5
      })
      expect(alone.stdout.lines()).toHaveLength(1)
    }))
})

describe("the upload tracker", () => {
  it.scoped("counts the parts in flight of a service that limits the rate of all parts together", () =>
    Effect.gen(function*() {
      const { partsInFlight, uploads } = uploadTracker.make(limitRate(yield* UploadsService, 1000))
      const { id } = yield* uploads.create({ filename: "a", bytes: 5000, purpose: "user_data", mimeType: "text/plain" })
      const part = (bytes: number) => PartData.stream(Stream.make(new Uint8Array(bytes)), { bytes })
      const observed: Array<number> = []
      const watched = PartData.withProgress(part(2000), (bytes) => observed.push(bytes))
      const start = yield* Clock.currentTimeMillis
      const sending = yield* Effect.fork(
        Effect.all([uploads.addPart(id, part(3000)), uploads.addPart(id, watched)], { concurrency: 2 })
      )
      yield* TestClock.adjust("2 seconds")
      expect(partsInFlight(id)).toBe(2)
      yield* TestClock.adjust("2800 millis")
      expect(Option.isNone(yield* Fiber.poll(sending))).toBe(true)
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(sending)
      expect((yield* Clock.currentTimeMillis) - start).toBe(4900)
      expect(partsInFlight(id)).toBe(0)
      expect(observed.reduce((sum, bytes) => sum + bytes, 0)).toBe(2000)
    }).pipe(Effect.provide(UploadsMemory.layerTest)))

  it.scoped("knows which Uploads it cancelled", () =>
    Effect.gen(function*() {
      const { isCancelled, uploads } = uploadTracker.make(yield* UploadsService)
      const { id } = yield* uploads.create({ filename: "a", bytes: 1, purpose: "user_data", mimeType: "text/plain" })
      expect(isCancelled(id)).toBe(false)
      yield* uploads.cancel(id)
      expect(isCancelled(id)).toBe(true)
    }).pipe(Effect.provide(UploadsMemory.layerTest)))
})
