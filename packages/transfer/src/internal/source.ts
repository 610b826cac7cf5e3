import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import { ByteSize as ByteSizeSchema } from "@effect-uploads/domain/ByteSize"
import type { Md5 } from "@effect-uploads/domain/Md5"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as PartData from "@effect-uploads/http/PartData"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { md5 } from "js-md5"
import type { Md5Failed } from "../Md5Hasher.js"
import { Md5Hasher } from "../Md5Hasher.js"
import type { PartRange } from "../PartPlan.js"
import {
  SourceChanged,
  SourceEmpty,
  SourceError,
  SourceLengthMismatch,
  SourceNotAFile,
  SourceNotFound,
  SourceTooLarge,
  SourceUnreadable
} from "../SourceError.js"

/** A part as the engine sends it: as often as it takes, until it is acknowledged. */
export interface PartToSend {
  readonly range: PartRange
  readonly data: PartData.PartStream | PartData.PartFile
  /** What is held of the part may go. */
  readonly release: Effect.Effect<void>
}

/** Where the bytes of a transfer come from. */
export interface Source {
  /** What errors call it: its path, else its file name. */
  readonly name: string
  readonly filename: string
  readonly bytes: ByteSize
  /** What a journal knows the source by; none for a source that another process cannot come back to. */
  readonly identity: Option.Option<{ readonly key: string; readonly modifiedAt: number }>
  /** The source from its beginning. */
  readonly open: (options: {
    readonly ranges: ReadonlyArray<PartRange>
    readonly concurrency: number
    readonly checksum: boolean
  }) => Effect.Effect<Opened, never, Scope.Scope>
  /** The source's own error behind that of a part of it. */
  readonly explain: (error: PartData.PartDataError) => SourceError | PartData.PartDataError
  /** Whether the source is still what it was. */
  readonly verify: Effect.Effect<void, SourceError>
}

export interface Opened {
  /** The parts that were asked for, in their order. */
  readonly parts: Stream.Stream<PartToSend, SourceError>
  /** The md5 of the whole, computed beside the sending; none where none is wanted. */
  readonly md5: Effect.Effect<Option.Option<Md5>, SourceError>
}

/** Large reads spare the event loop, small ones memory: a lane holds a few of them. */
const chunkBytes = 512 * 1024

/** So many are read ahead of the socket. */
const chunksAhead = 2

const sized = (name: string, bytes: number, limits: Limits): Effect.Effect<ByteSize, SourceError | InvalidRequest> =>
  Schema.validateOption(ByteSizeSchema)(bytes).pipe(
    Effect.mapError(() =>
      new InvalidRequest({ field: "bytes", problem: `got ${bytes}`, limit: "a number of bytes from 0 to 2^53 - 1" })
    ),
    Effect.filterOrFail((size) => size > 0, () => new SourceEmpty({ name })),
    Effect.filterOrFail(
      (size) => size <= limits.uploadBytes,
      (size) => new SourceTooLarge({ name, bytes: size, limit: limits.uploadBytes })
    )
  )

const unhashable = (name: string) => Effect.mapError((cause: Md5Failed) => new SourceUnreadable({ name, cause }))

/** A hash of the source of that name, with its failures those of the source. */
const makeHash = (name: string) =>
  Effect.map(
    Effect.flatMap(Md5Hasher, ({ make }) => make),
    ({ digest, update }) => ({
      update: (bytes: Uint8Array) => unhashable(name)(update(bytes)),
      digest: unhashable(name)(digest)
    })
  )

/** The md5 of a source that can be read from its beginning at any time. */
const makeDigest = ({ bytes, name, path, read }: {
  readonly name: string
  readonly bytes: ByteSize
  readonly path?: string
  readonly read: (range: Range) => Stream.Stream<Uint8Array, SourceError>
}): Effect.Effect<Effect.Effect<Md5, SourceError>, never, Scope.Scope> =>
  Effect.flatMap(Md5Hasher, ({ file }) =>
    file !== undefined && path !== undefined
      ? Effect.succeed(unhashable(name)(file(path)))
      : Effect.map(makeHash(name), ({ digest, update }) =>
        Effect.zipRight(Stream.runForEach(read({ offset: 0, bytes }), update), digest)))

type Range = Pick<PartRange, "offset" | "bytes">

const isSourceError = Schema.is(SourceError)

const ofSource = (error: PartData.PartDataError): SourceError | PartData.PartDataError =>
  error._tag === "PartUnreadable" && isSourceError(error.cause) ? error.cause : error

/** A source of which any range can be read at any time. */
const ranged = (options: {
  readonly name: string
  readonly filename: string
  readonly bytes: ByteSize
  readonly identity: Source["identity"]
  readonly read: (range: Range) => Stream.Stream<Uint8Array, SourceError>
  readonly part?: (range: Range) => PartToSend["data"]
  /** Where it is a file that a hasher may read by itself. */
  readonly path?: string
  readonly explain?: Source["explain"]
  readonly verify: Source["verify"]
}): Source => ({
  name: options.name,
  filename: options.filename,
  bytes: options.bytes,
  identity: options.identity,
  open: ({ checksum, ranges }) =>
    Effect.map(Effect.when(makeDigest(options), () => checksum), (md5) => ({
      parts: Stream.map(
        Stream.fromIterable(ranges),
        (range) => ({
          range,
          data: options.part?.(range) ?? PartData.stream(options.read(range), { bytes: range.bytes }),
          release: Effect.void
        })
      ),
      md5: Effect.transposeOption(md5)
    })),
  explain: options.explain ?? ofSource,
  verify: options.verify
})

const slices = (bytes: Uint8Array): Stream.Stream<Uint8Array> =>
  Stream.range(0, Math.max(0, Math.ceil(bytes.byteLength / chunkBytes) - 1)).pipe(
    Stream.rechunk(1),
    Stream.map((index) => bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes))
  )

export const bytes = (
  data: Uint8Array,
  filename: string,
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest> =>
  Effect.map(sized(filename, data.byteLength, limits), (size) =>
    ranged({
      name: filename,
      filename,
      bytes: size,
      identity: Option.none(),
      read: (range) => slices(data.subarray(range.offset, range.offset + range.bytes)),
      verify: Effect.void
    }))

export const blob = (
  data: Blob,
  filename: string,
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest> =>
  Effect.map(sized(filename, data.size, limits), (size) =>
    ranged({
      name: filename,
      filename,
      bytes: size,
      identity: Option.none(),
      read: (range) =>
        Stream.fromReadableStream({
          evaluate: () => data.slice(range.offset, range.offset + range.bytes).stream(),
          onError: (cause) => new SourceUnreadable({ name: filename, cause })
        }),
      verify: Effect.void
    }))

const explain = (path: string) => (error: PlatformError): SourceError =>
  error._tag === "SystemError" && error.reason === "NotFound"
    ? new SourceNotFound({ name: path })
    : new SourceUnreadable({ name: path, cause: error })

/** Ends as the stream does, unless it has fewer bytes. */
const atLeast = <E2>(bytes: number, tooFew: () => E2) => <E>(stream: Stream.Stream<Uint8Array, E>) =>
  Stream.suspend(() => {
    let missing = bytes
    return stream.pipe(
      Stream.map((chunk) => {
        missing -= chunk.byteLength
        return chunk
      }),
      Stream.concat(Stream.suspend(() => missing > 0 ? Stream.failSync(tooFew) : Stream.empty))
    )
  })

export const file = (
  path: string,
  options: { readonly filename: string; readonly purpose: string },
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const stat = Effect.mapError(fs.stat(path), explain(path))
    const info = yield* stat
    if (info.type !== "File") return yield* new SourceNotAFile({ name: path, type: info.type })
    yield* Effect.mapError(fs.access(path, { readable: true }), explain(path))
    const size = yield* sized(path, Number(info.size), limits)
    const modified = (info: FileSystem.File.Info) =>
      Option.match(info.mtime, { onNone: () => 0, onSome: (date) => date.getTime() })
    const read = ({ bytes, offset }: Range) =>
      fs.stream(path, { offset, bytesToRead: bytes, chunkSize: chunkBytes, bufferSize: chunksAhead }).pipe(
        Stream.mapError(explain(path)),
        atLeast(bytes, () => new SourceChanged({ name: path, difference: "size" }))
      )
    const absolute = yield* Effect.mapError(fs.realPath(path), explain(path))
    return ranged({
      name: path,
      filename: options.filename,
      bytes: size,
      identity: Option.some({
        key: md5([absolute, options.filename, options.purpose].join("\n")),
        modifiedAt: modified(info)
      }),
      path,
      read,
      part: ({ bytes, offset }) => new PartData.PartFile({ path, offset, bytes, stream: read({ bytes, offset }) }),
      // An HTTP client that reads the file itself has errors of its own.
      explain: (error) => {
        if (error._tag === "PartLengthMismatch") return new SourceChanged({ name: path, difference: "size" })
        const known = ofSource(error)
        if (known._tag !== "PartUnreadable") return known
        return Predicate.hasProperty(known.cause, "code") && known.cause.code === "ENOENT"
          ? new SourceNotFound({ name: path })
          : new SourceUnreadable({ name: path, cause: known.cause })
      },
      verify: Effect.flatMap(stat, (now) => {
        if (now.size !== info.size) return new SourceChanged({ name: path, difference: "size" })
        if (modified(now) !== modified(info)) return new SourceChanged({ name: path, difference: "modification time" })
        return Effect.void
      })
    })
  })

/**
 * A stream is read once: a part of it is held until it is acknowledged, and the next one is not read before there is room for
 * it, so that no more than `concurrency` parts are held.
 */
export const stream = <E>(
  data: Stream.Stream<Uint8Array, E>,
  options: { readonly filename: string; readonly bytes: number },
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest> =>
  Effect.gen(function*() {
    const name = options.filename
    const size = yield* sized(name, options.bytes, limits)

    const open: Source["open"] = ({ checksum, concurrency, ranges }) =>
      Effect.gen(function*() {
        const room = yield* Effect.makeSemaphore(concurrency)
        const hash = yield* Effect.when(makeHash(name), () => checksum)
        const ended = yield* Deferred.make<void>()
        const pull = yield* Stream.toPull(Stream.mapError(data, (cause) => new SourceUnreadable({ name, cause })))
        let ahead: Array<Uint8Array> = []
        let total = 0
        const mismatch = Effect.suspend(() => new SourceLengthMismatch({ name, declared: size, actual: total }))

        /** The next bytes, at least one, none at the end. */
        const next: Effect.Effect<Option.Option<Uint8Array>, SourceError> = Effect.suspend(() => {
          const first = ahead.shift()
          if (first !== undefined) return Effect.succeedSome(first)
          return pull.pipe(
            Effect.matchEffect({
              onSuccess: (chunk) => {
                ahead = Chunk.toReadonlyArray(chunk).filter(({ byteLength }) => byteLength > 0)
                return next
              },
              onFailure: Option.match({ onNone: () => Effect.succeedNone, onSome: Effect.fail })
            })
          )
        })

        const readPart = (range: PartRange) =>
          Effect.gen(function*() {
            yield* room.take(1)
            const held: Array<Uint8Array> = []
            let missing = range.bytes
            while (missing > 0) {
              const bytes = yield* next
              if (Option.isNone(bytes)) return yield* mismatch
              const own = bytes.value.subarray(0, missing)
              if (own.byteLength < bytes.value.byteLength) ahead.unshift(bytes.value.subarray(missing))
              held.push(own)
              missing -= own.byteLength
              total += own.byteLength
              yield* Effect.transposeMapOption(hash, ({ update }) => update(own))
            }
            return {
              range,
              data: PartData.stream(Stream.suspend(() => Stream.fromIterable(held)), { bytes: range.bytes }),
              release: Effect.suspend(() => {
                held.length = 0
                return Effect.asVoid(room.release(1))
              })
            }
          })

        const end = Effect.gen(function*() {
          const more = yield* next
          if (Option.isSome(more)) {
            total += more.value.byteLength
            return yield* mismatch
          }
          yield* Deferred.succeed(ended, undefined)
        })

        return {
          parts: Stream.fromIterable(ranges).pipe(
            Stream.rechunk(1),
            Stream.mapEffect(readPart),
            Stream.concat(Stream.execute(end))
          ),
          md5: Effect.zipRight(
            Deferred.await(ended),
            Effect.transposeMapOption(hash, ({ digest }) => digest)
          )
        }
      })

    return { name, filename: name, bytes: size, identity: Option.none(), open, explain: ofSource, verify: Effect.void }
  })
