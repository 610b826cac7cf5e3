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
import { rootCauseMessage } from "./rootCause.js"

/** The delays after attempts without a byte. After some bytes, the next attempt starts at once. */
const retries = Schedule.exponential("1 second").pipe(Schedule.jittered, Schedule.intersect(Schedule.recurs(5)))

/** Passes the bytes of a File from `offset` on to `take`. Opens a new connection when one breaks. */
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
  new LocalFileFailed({ path, doing, reason: rootCauseMessage(error) })

const checkBytes = (path: string, expected: number, actual: number) =>
  Effect.when(
    new DownloadMismatch({ path, property: "bytes", expected: String(expected), actual: String(actual) }),
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
 * Downloads a File to `path`. The bytes go to a partial file beside it, which the next run continues. The partial file is
 * renamed after it was verified.
 */
export const toFile = (
  file: FileObject,
  path: string,
  options: { readonly md5: Option.Option<Md5>; readonly onBytes: (received: number) => void }
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const partial = `${path}.${file.id}.partial`
    const partialBytes = yield* fs.stat(partial).pipe(
      Effect.map(({ size }) => Number(size)),
      Effect.catchIf((error) => error._tag === "SystemError" && error.reason === "NotFound", () => Effect.succeed(0)),
      Effect.mapError(failed(partial, "read"))
    )
    // A longer file is not a part of this File.
    const resumedBytes = partialBytes <= file.bytes ? partialBytes : 0
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
        return yield* new DownloadMismatch({ path: partial, property: "md5", expected: options.md5.value, actual })
      }
    }
    yield* Effect.mapError(fs.rename(partial, path), failed(path, "write"))
    return { resumedBytes }
  })

/** Downloads a File to a pipe. A mismatch is found after the last byte, when all bytes are written. */
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
      return yield* new DownloadMismatch({ path: "stdout", property: "md5", expected: options.md5.value, actual })
    }
  })
