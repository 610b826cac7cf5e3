/**
 * The bytes of a Part: bytes in memory, a Blob, a range of a file, or a stream.
 *
 * **A chunk of a stream is valid until the next pull.** The source may fill the same buffer again for its next chunk, as the body
 * of a request to our server does. Code that keeps a chunk longer than that copies it first: {@link collect} does.
 *
 * A `Uint8Array` that a caller passes to a client is not copied: the caller leaves it unchanged until the call ends.
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
 * The source of a part could not be read. `cause` is the error of the source.
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
 * The source of a part has more or fewer bytes than were declared.
 *
 * @since 0.1.0
 * @category errors
 */
export class PartLengthMismatch
  extends Schema.TaggedError<PartLengthMismatch>("@effect-uploads/http/PartLengthMismatch")("PartLengthMismatch", {
    /** The declared number of bytes. */
    declared: Schema.Number,
    /** The number of bytes that were read until the difference was found. */
    actual: Schema.Number
  })
{
  override get message(): string {
    return `The part was declared with ${this.declared} bytes, and ${this.actual} were read`
  }
}

/**
 * The errors of the source of a part.
 *
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
 * A range of a file. `NodeUploadsHttpClient` reads it from `path` into the socket; every other client sends `stream`.
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
 * A part with a callback that receives the size of every chunk that is sent. Each attempt starts again at zero.
 *
 * @since 0.1.0
 * @category models
 */
export class PartWithProgress extends Data.TaggedClass("PartWithProgress")<{
  readonly part: PartStream | PartFile | Blob
  readonly onProgress: (bytes: number) => void
}> {}

/**
 * A stream that can be run once, and whose number of bytes is known at its end: the body of a request that is being received.
 * An HTTP client collects such a part in memory before it sends it.
 *
 * @since 0.1.0
 * @category models
 */
export class PartIncoming extends Data.TaggedClass("PartIncoming")<{
  readonly stream: Stream.Stream<Uint8Array, PartUnreadable | InvalidRequest>
}> {}

/**
 * All forms other than {@link PartIncoming} can be read again, so that a part can be sent again after a failure.
 *
 * @since 0.1.0
 * @category models
 */
export type PartData = Uint8Array | Blob | PartStream | PartFile | PartWithProgress | PartIncoming

/**
 * A stream with its number of bytes. It is run once for each attempt to send it. A stream that has more or fewer bytes fails the
 * attempt with `PartLengthMismatch`.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import * as PartData from "@effect-uploads/http/PartData"
 * import * as Stream from "effect/Stream"
 *
 * const lines = Stream.make("{}\n", "{}\n").pipe(Stream.encodeText)
 *
 * export const part = PartData.stream(lines, { bytes: 6 })
 * ```
 */
export const stream = <E>(
  stream: Stream.Stream<Uint8Array, E>,
  options: { readonly bytes: number }
): PartStream => new PartStream({ bytes: options.bytes, stream })

const isByteSize = Schema.is(ByteSize)

/** Large reads take less CPU time, small ones less memory: a part that is being sent holds a few of them. */
const fileChunkBytes = 512 * 1024

/**
 * A range of a file, read while it is sent. `offset` is the position of the first byte, by default 0; `bytes` is the number of
 * bytes, by default up to the end of the file. Fails with `BadArgument` unless both are whole numbers from 0, and with
 * `SystemError` if the size of the file is needed and cannot be read.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import * as PartData from "@effect-uploads/http/PartData"
 * import { UploadsService } from "@effect-uploads/http/UploadsService"
 * import * as Effect from "effect/Effect"
 *
 * export const addFirstMegabyte = Effect.gen(function*() {
 *   const uploads = yield* UploadsService
 *   const { id } = yield* uploads.create({
 *     filename: "train.jsonl",
 *     bytes: 1_000_000,
 *     purpose: "fine-tune",
 *     mimeType: "text/jsonl"
 *   })
 *   return yield* uploads.addPart(id, yield* PartData.file("train.jsonl", { bytes: 1_000_000 }))
 * })
 * ```
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
 * Calls `onProgress` with the size of every chunk of the part that is sent. Each attempt starts again at zero.
 *
 * @since 0.1.0
 * @category combinators
 * @example
 * ```ts
 * import * as PartData from "@effect-uploads/http/PartData"
 *
 * export const counted = (part: PartData.PartFile, sent: { bytes: number }) =>
 *   PartData.withProgress(part, (bytes) => {
 *     sent.bytes += bytes
 *   })
 * ```
 */
export const withProgress = (
  part: PartStream | PartFile | Blob,
  onProgress: (bytes: number) => void
): PartWithProgress => new PartWithProgress({ part, onProgress })

/**
 * A stream that can be run once. A part of this form is not sent again after a failure of its source.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import * as PartData from "@effect-uploads/http/PartData"
 * import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * export const body = Effect.map(HttpServerRequest.HttpServerRequest, ({ stream }) =>
 *   PartData.incoming(Stream.mapError(stream, (cause) => new PartData.PartUnreadable({ cause }))))
 * ```
 */
export const incoming = (stream: Stream.Stream<Uint8Array, PartUnreadable | InvalidRequest>): PartData =>
  new PartIncoming({ stream })

/**
 * The number of bytes; none for {@link PartIncoming}, where it is known at the end only.
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
    case "PartWithProgress":
      return length(self.part)
    case "PartIncoming":
      return Option.none()
  }
}

const validateByteSize = Schema.validateOption(ByteSize)

/**
 * Checks the length of a part before its bytes are read, and returns it; none for {@link PartIncoming}.
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
 * The bytes as a stream. It fails with `PartLengthMismatch` if they are more or fewer than {@link length}. Each chunk is valid
 * until the next pull.
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
    case "PartWithProgress":
      return Stream.tap(toStream(self.part), (bytes) => Effect.sync(() => self.onProgress(bytes.byteLength)))
    case "PartIncoming":
      return self.stream
  }
}

/** The size of a block that chunks are copied into. Blocks grow with the part, so that few bytes of the last one are unused. */
const minimumBlockBytes = 4 * 1024
const maximumBlockBytes = 1024 * 1024

/**
 * The bytes as a list of chunks. Fails with `tooLarge` as soon as they are more than `limit`.
 *
 * A stream is copied into blocks of memory of their own, because each of its chunks is valid until the next pull, and may be a
 * small view that keeps a large buffer alive. A `Uint8Array` is not copied.
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
    const blocks: Array<Uint8Array> = []
    let block = new Uint8Array(0)
    let used = 0
    let total = 0
    const add = (bytes: Uint8Array) => {
      const head = bytes.subarray(0, block.byteLength - used)
      block.set(head, used)
      used += head.byteLength
      const rest = bytes.subarray(head.byteLength)
      if (rest.byteLength === 0) return
      if (used > 0) blocks.push(block)
      block = new Uint8Array(Math.max(rest.byteLength, Math.min(Math.max(total, minimumBlockBytes), maximumBlockBytes)))
      block.set(rest)
      used = rest.byteLength
    }
    return toStream(self).pipe(
      Stream.runForEach((bytes): Effect.Effect<void, E> => {
        total += bytes.byteLength
        if (total > options.limit) return Effect.failSync(options.tooLarge)
        add(bytes)
        return Effect.void
      }),
      Effect.map(() => used === 0 ? blocks : [...blocks, used === block.byteLength ? block : block.slice(0, used)])
    )
  })
}
