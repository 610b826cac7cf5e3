import type * as Upload from "@effect-uploads/domain/Upload"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as PartData from "@effect-uploads/http/PartData"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as FileSystem from "@effect/platform/FileSystem"
import { expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { createHash } from "node:crypto"

/** Pseudo-random bytes. */
export const bytesOf = (length: number, seed = 1): Uint8Array<ArrayBuffer> => {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state, 1103515245) + 12345 >>> 0
    return state >>> 16
  })
}

export const md5Of = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex")

export const both = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

export type Both = Layer.Layer.Success<typeof both>

export const test = <E>(title: string, effect: () => Effect.Effect<void, E, Both>) =>
  it.effect(title, () => Effect.provide(effect(), both))

export const services = Effect.all({
  uploads: UploadsService.UploadsService,
  uploadsTest: UploadsMemory.UploadsServiceTest,
  filesTest: FilesMemory.FilesServiceTest
})

/** Replaces some methods of the service. */
export const changed = (change: (uploads: UploadsService.Service) => Partial<UploadsService.Service>) =>
  Effect.updateService(UploadsService.UploadsService, (uploads) => ({ ...uploads, ...change(uploads) }))

/** Does the same as {@link changed} for a stream of events. */
export const changedStream =
  (change: (uploads: UploadsService.Service) => Partial<UploadsService.Service>) =>
  <A, E, R>(stream: Stream.Stream<A, E, R>) =>
    Stream.updateService(
      stream,
      UploadsService.UploadsService,
      (uploads) => ({ ...uploads, ...change(uploads) })
    )

export const statuses: Effect.Effect<
  ReadonlyArray<Upload.Upload["status"]>,
  never,
  UploadsMemory.UploadsServiceTest
> = Effect.gen(function*() {
  const { uploads } = yield* UploadsMemory.UploadsServiceTest
  return (yield* uploads).map(({ status }) => status)
})

export const calls = (method: keyof UploadsService.Errors) =>
  Effect.flatMap(UploadsMemory.UploadsServiceTest, (handle) => handle.calls(method))

/** Expects that the stored Files have exactly these bytes. */
export const expectFiles = (...expected: ReadonlyArray<Uint8Array>) =>
  Effect.gen(function*() {
    const { files } = yield* FilesMemory.FilesServiceTest
    expect((yield* files).map(({ bytes }) => md5Of(bytes))).toEqual(expected.map(md5Of))
  })

/** A file with these bytes. It is deleted when the test ends. */
export const written = (bytes: Uint8Array, name = "data.bin") =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = `${yield* fs.makeTempDirectoryScoped()}/${name}`
    yield* fs.writeFile(path, bytes)
    return path
  })

/** Runs an effect while the test clock advances. */
export const during = (duration: Duration.DurationInput) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust(duration)
    return yield* Fiber.join(fiber)
  })

/** Runs an effect to its end while the test clock advances, also when real work such as a file's comes before its sleeps. */
export const advancing = (step: Duration.DurationInput = "500 millis") => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(effect)
    while (Option.isNone(yield* Fiber.poll(fiber))) yield* TestClock.adjust(step)
    return yield* Fiber.join(fiber)
  })

/** The time since the test began, in milliseconds. */
export const elapsed = Clock.currentTimeMillis

export const collect = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.map(Stream.runCollect(stream), Chunk.toReadonlyArray)

/**
 * A clock that advances to the next sleeper when nothing else is to be done, so that a transfer of hours takes no real time. A
 * `TestClock` would have to be adjusted step by step.
 */
const makeFastClock = (start: number): Clock.Clock => {
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  let now = start
  let scheduled = false
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      const [first, ...rest] = [...sleepers]
      if (first === undefined) return
      const next = rest.reduce((next, sleeper) => sleeper.at < next.at ? sleeper : next, first)
      sleepers.delete(next)
      now = Math.max(now, next.at)
      next.wake()
      schedule()
    })
  }
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => now,
    unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    sleep: (duration) =>
      Effect.async((resume) => {
        const sleeper = { at: Math.ceil(now + Duration.toMillis(duration)), wake: () => resume(Effect.void) }
        sleepers.add(sleeper)
        schedule()
        return Effect.sync(() => {
          sleepers.delete(sleeper)
        })
      })
  }
}

export const withFastClock = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.withClock(effect, makeFastClock(now)))

/** Runs an effect on a clock whose seconds last only `1 / factor` of a second, so that default delays take little real time. */
export const withScaledClock = (factor: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const clock = Clock.make()
    const startedAt = clock.unsafeCurrentTimeMillis()
    const startNanos = clock.unsafeCurrentTimeNanos()
    const nanos = () => (clock.unsafeCurrentTimeNanos() - startNanos) * BigInt(factor)
    const millis = () => startedAt + Math.floor(Number(nanos()) / 1e6)
    return Effect.withClock(effect, {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: millis,
      unsafeCurrentTimeNanos: nanos,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanos: Effect.sync(nanos),
      sleep: (duration) => clock.sleep(Duration.times(duration, 1 / factor))
    })
  })

/** A Blob that is read in chunks of `chunkBytes`, so that the connection takes them one after the other. */
export const blobInChunks = (data: Uint8Array<ArrayBuffer>, chunkBytes: number): Blob => {
  class BlobInChunks extends Blob {
    override slice(start: number, end: number) {
      return blobInChunks(data.subarray(start, end), chunkBytes)
    }
    override stream() {
      let offset = 0
      return new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull: (controller) => {
          if (offset >= data.byteLength) return controller.close()
          controller.enqueue(data.subarray(offset, offset + chunkBytes))
          offset += chunkBytes
        }
      }, { highWaterMark: 0 })
    }
  }
  return new BlobInChunks([data])
}

/** A service that needs a number of milliseconds for each byte of a part. */
export const pacedBy = (millis: number) => (uploads: UploadsService.Service): Partial<UploadsService.Service> => ({
  addPart: (id, part) =>
    PartData.toStream(part).pipe(
      Stream.tap((bytes) => Effect.sleep(bytes.byteLength * millis)),
      Stream.runCollect,
      Effect.flatMap((chunks) => uploads.addPart(id, Buffer.concat([...chunks])))
    )
})

/** What a file system tells of a file of this size that never changes. */
export const fileInfo = (bytes: number): FileSystem.File.Info => ({
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
  size: FileSystem.Size(bytes),
  blksize: Option.none(),
  blocks: Option.none()
})
