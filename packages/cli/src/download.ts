import type { FileObject } from "@effect-uploads/domain/FileObject"
import type { Md5 } from "@effect-uploads/domain/Md5"
import type { ContentError } from "@effect-uploads/http/FilesService"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { DownloadMismatch, LocalFileFailed } from "./CliError.js"
import { reasonOf } from "./reason.js"

/** For attempts that bring nothing. A connection that breaks after some bytes is made again at once. */
const retries = Schedule.exponential("1 second").pipe(Schedule.jittered, Schedule.intersect(Schedule.recurs(5)))

/** Gives the bytes of a File from `offset` to `take`, over as many connections as it takes. */
const content = <E>(
  file: FileObject,
  offset: number,
  take: (bytes: Uint8Array) => Effect.Effect<void, E>
) =>
  Effect.gen(function*() {
    const files = yield* FilesService
    let at = offset
    const attempt: Effect.Effect<void, E | ContentError> = Effect.suspend(() => {
      if (at >= file.bytes) return Effect.void
      const before = at
      const rest = files.content(file.id, { offset: at })
      return Stream.runForEach(rest, (bytes) =>
        Effect.map(take(bytes), () => {
          at += bytes.byteLength
        })).pipe(
          Effect.catchIf((error) => RetryPolicy.isRetryable(error) && at > before, () => attempt)
        )
    })
    yield* Effect.retry(attempt, { schedule: retries, while: RetryPolicy.isRetryable })
  })

const failed = (path: string, doing: "read" | "write") => (error: PlatformError) =>
  new LocalFileFailed({ path, doing, reason: reasonOf(error) })

const checkBytes = (path: string, expected: number, actual: number) =>
  Effect.when(
    new DownloadMismatch({ path, what: "bytes", expected: String(expected), actual: String(actual) }),
    () => expected !== actual
  )

/** The md5 of a file on this machine. */
const md5Of = (path: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const hash = createHash("md5")
    yield* Stream.runForEach(fs.stream(path, { chunkSize: 1024 * 1024 }), (bytes) =>
      Effect.sync(() => hash.update(bytes)))
    return hash.digest("hex")
  }).pipe(Effect.mapError(failed(path, "read")))

/**
 * Downloads to a file: first to one beside it, which another run goes on with, and which takes its name when it is verified.
 */
export const toFile = (
  file: FileObject,
  path: string,
  options: { readonly md5: Option.Option<Md5>; readonly onBytes: (received: number) => void }
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const partial = `${path}.${file.id}.partial`
    const there = yield* fs.stat(partial).pipe(
      Effect.map(({ size }) => Number(size)),
      Effect.catchIf((error) => error._tag === "SystemError" && error.reason === "NotFound", () => Effect.succeed(0)),
      Effect.mapError(failed(partial, "read"))
    )
    // More bytes than the File has are not its own.
    const resumedBytes = there <= file.bytes ? there : 0
    options.onBytes(resumedBytes)
    yield* Effect.scoped(
      Effect.gen(function*() {
        const handle = yield* Effect.mapError(
          fs.open(partial, { flag: resumedBytes > 0 ? "a" : "w" }),
          failed(partial, "write")
        )
        let received = resumedBytes
        yield* content(file, resumedBytes, (bytes) =>
          Effect.map(Effect.mapError(handle.writeAll(bytes), failed(partial, "write")), () => {
            received += bytes.byteLength
            options.onBytes(received)
          }))
        yield* Effect.mapError(handle.sync, failed(partial, "write"))
      })
    )
    const { size } = yield* Effect.mapError(fs.stat(partial), failed(partial, "read"))
    yield* checkBytes(partial, file.bytes, Number(size))
    if (Option.isSome(options.md5)) {
      const actual = yield* md5Of(partial)
      if (actual !== options.md5.value) {
        return yield* new DownloadMismatch({ path: partial, what: "md5", expected: options.md5.value, actual })
      }
    }
    yield* Effect.mapError(fs.rename(partial, path), failed(path, "write"))
    return { resumedBytes }
  })

/** Downloads to a pipe. What was written is not taken back, so the md5 is known only after the last byte. */
export const toPipe = (
  file: FileObject,
  options: {
    readonly md5: Option.Option<Md5>
    readonly write: (bytes: Uint8Array) => Effect.Effect<void>
    readonly onBytes: (received: number) => void
  }
) =>
  Effect.gen(function*() {
    const hash = createHash("md5")
    let received = 0
    yield* content(file, 0, (bytes) =>
      Effect.map(options.write(bytes), () => {
        hash.update(bytes)
        received += bytes.byteLength
        options.onBytes(received)
      }))
    yield* checkBytes("stdout", file.bytes, received)
    const actual = hash.digest("hex")
    if (Option.isSome(options.md5) && options.md5.value !== actual) {
      return yield* new DownloadMismatch({ path: "stdout", what: "md5", expected: options.md5.value, actual })
    }
  })
