/**
 * The bytes of a Part, in whatever form they are at hand.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { UploadId } from "@effect-uploads/domain/Ids"
import { InvalidRequest, PartTooLarge } from "@effect-uploads/domain/UploadError"
import type { PlatformError } from "@effect/platform/Error"
import { BadArgument } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { exactLength } from "./ByteLimits.js"

/**
 * The source of a part failed while it was read.
 *
 * @since 0.1.0
 * @category errors
 */
export class PartUnreadable extends Schema.TaggedError<PartUnreadable>("@effect-uploads/http/PartUnreadable")(
  "PartUnreadable",
  { cause: Schema.Defect }
) {
  override get message(): string {
    const reason = Predicate.isError(this.cause) ? this.cause.message : String(this.cause)
    return `The data of the part could not be read: ${reason}`
  }
}

/**
 * The source of a part has not the number of bytes that it was said to have.
 *
 * @since 0.1.0
 * @category errors
 */
export class PartLengthMismatch
  extends Schema.TaggedError<PartLengthMismatch>("@effect-uploads/http/PartLengthMismatch")("PartLengthMismatch", {
    /** The bytes that were announced. */
    declared: Schema.Number,
    /** The bytes that were read until the difference was seen. */
    actual: Schema.Number
  })
{
  override get message(): string {
    return `The part was said to have ${this.declared} bytes, and ${this.actual} were read`
  }
}

/**
 * @since 0.1.0
 * @category errors
 */
export type PartDataError = PartUnreadable | PartLengthMismatch

/**
 * A stream that can be run again and has the same number of bytes each time.
 *
 * @since 0.1.0
 * @category models
 */
export class PartStream extends Data.TaggedClass("PartStream")<{
  readonly bytes: number
  readonly stream: Stream.Stream<Uint8Array, unknown>
}> {}

/**
 * A range of a file. Where an HTTP client knows a shorter way from a file to the socket, it takes that instead of `stream`.
 *
 * @since 0.1.0
 * @category models
 */
export class PartFile extends Data.TaggedClass("PartFile")<{
  readonly path: string
  readonly offset: number
  readonly bytes: number
  readonly stream: Stream.Stream<Uint8Array, unknown>
}> {}

/**
 * A part and somebody who hears of its bytes as they are handed on: in each attempt from the beginning.
 *
 * @since 0.1.0
 * @category models
 */
export class PartWithProgress extends Data.TaggedClass("PartObserved")<{
  readonly part: PartStream | PartFile
  readonly onBytes: (bytes: number) => void
}> {}

/**
 * Bytes that arrive once, and whose number is known at their end: the body of a request that is being received. An HTTP
 * client has to hold such a part in memory before it can send it on.
 *
 * @since 0.1.0
 * @category models
 */
export class PartIncoming extends Data.TaggedClass("PartIncoming")<{
  readonly stream: Stream.Stream<Uint8Array, PartUnreadable | InvalidRequest>
}> {}

/**
 * Apart from {@link PartIncoming} all forms can be read again, so that a part can be sent again after a failure.
 *
 * @since 0.1.0
 * @category models
 */
export type PartData = Uint8Array | Blob | PartStream | PartFile | PartWithProgress | PartIncoming

/**
 * A stream and the number of bytes that it has. It is run once for each attempt to send it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const stream = <E>(
  stream: Stream.Stream<Uint8Array, E>,
  options: { readonly bytes: number }
): PartStream => new PartStream({ bytes: options.bytes, stream })

const isByteSize = Schema.is(ByteSize)

/** Large reads spare the event loop, small ones memory: a part under way holds a few of them. */
const fileChunkBytes = 512 * 1024

/**
 * A range of a file, read while it is sent: `bytes` from `offset`, by default up to its end. Both are whole numbers from 0:
 * any other would be read as another range.
 *
 * @since 0.1.0
 * @category constructors
 */
export const file = (
  path: string,
  options?: { readonly offset?: number | undefined; readonly bytes?: number | undefined }
): Effect.Effect<PartFile, PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const offset = options?.offset ?? 0
    const bytes = options?.bytes ?? Math.max(0, Number((yield* fs.stat(path)).size) - offset)
    if (!isByteSize(offset) || !isByteSize(bytes)) {
      return yield* new BadArgument({
        module: "FileSystem",
        method: "stream",
        description: `no file has a range of ${bytes} bytes from ${offset}`
      })
    }
    const stream = fs.stream(path, { offset, bytesToRead: bytes, chunkSize: fileChunkBytes })
    return new PartFile({ path, offset, bytes, stream })
  })

/**
 * Tells of a part's bytes as they are handed on.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withProgress = (part: PartStream | PartFile, onBytes: (bytes: number) => void): PartWithProgress =>
  new PartWithProgress({ part, onBytes })

/**
 * @since 0.1.0
 * @category constructors
 */
export const incoming = (stream: Stream.Stream<Uint8Array, PartUnreadable | InvalidRequest>): PartData =>
  new PartIncoming({ stream })

/**
 * The number of bytes, where it is known before they are read.
 *
 * @since 0.1.0
 * @category getters
 */
export const length = (self: PartData): Option.Option<number> => {
  if (self instanceof Uint8Array) return Option.some(self.byteLength)
  if (self instanceof Blob) return Option.some(self.size)
  switch (self._tag) {
    case "PartStream":
    case "PartFile":
      return Option.some(self.bytes)
    case "PartObserved":
      return length(self.part)
    case "PartIncoming":
      return Option.none()
  }
}

const validateByteSize = Schema.validateOption(ByteSize)

/**
 * What can be said of a part before its bytes are read: its length, none where only its end will tell.
 *
 * @since 0.1.0
 * @category guards
 */
export const validate = (
  self: PartData,
  options: { readonly uploadId: UploadId; readonly limit: ByteSize }
): Either.Either<Option.Option<ByteSize>, InvalidRequest | PartTooLarge> =>
  Option.match(length(self), {
    onNone: () => Either.right(Option.none()),
    onSome: (length) =>
      validateByteSize(length).pipe(
        Either.fromOption(() =>
          new InvalidRequest({
            field: "data",
            problem: `got a part of ${length} bytes`,
            limit: "a number of bytes from 0 to 2^53 - 1"
          })
        ),
        Either.filterOrLeft(
          (bytes) => bytes <= options.limit,
          (bytes) => new PartTooLarge({ uploadId: options.uploadId, bytes, limit: options.limit })
        ),
        Either.map(Option.some)
      )
  })

/**
 * The bytes as a stream, which fails as soon as they are more or fewer than {@link length}.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toStream = (self: PartData): Stream.Stream<Uint8Array, PartDataError | InvalidRequest> => {
  if (self instanceof Uint8Array) return Stream.make(self)
  if (self instanceof Blob) {
    return Stream.fromReadableStream({
      evaluate: () => self.stream(),
      onError: (cause) => new PartUnreadable({ cause })
    })
  }
  switch (self._tag) {
    case "PartStream":
    case "PartFile":
      return exactLength(
        Stream.mapError(self.stream, (cause) => new PartUnreadable({ cause })),
        self.bytes,
        (actual) => new PartLengthMismatch({ declared: self.bytes, actual })
      )
    case "PartObserved":
      return Stream.tap(toStream(self.part), (bytes) => Effect.sync(() => self.onBytes(bytes.byteLength)))
    case "PartIncoming":
      return self.stream
  }
}

/**
 * The bytes as the chunks in which they arrive, not joined. Fails with `tooLarge` as soon as they are more than `limit`.
 *
 * A stream may use its buffers again, so its chunks are copied; bytes are not.
 *
 * @since 0.1.0
 * @category conversions
 */
export const collect = <E>(
  self: PartData,
  options: { readonly limit: number; readonly tooLarge: () => E }
): Effect.Effect<ReadonlyArray<Uint8Array>, PartDataError | InvalidRequest | E> => {
  if (self instanceof Uint8Array) {
    return self.byteLength > options.limit ? Effect.failSync(options.tooLarge) : Effect.succeed([self])
  }
  return Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let total = 0
    return toStream(self).pipe(
      Stream.runForEach((bytes): Effect.Effect<void, E> => {
        total += bytes.byteLength
        if (total > options.limit) return Effect.failSync(options.tooLarge)
        chunks.push(new Uint8Array(bytes))
        return Effect.void
      }),
      Effect.as(chunks)
    )
  })
}
