/**
 * A whole file as one Upload.
 *
 * Parts are sent side by side with bounded memory, and again when they fail for a reason that may pass. When the transfer fails
 * or is interrupted its Upload is cancelled, or kept to go on with where a `TransferJournal` is provided.
 *
 * @since 0.1.0
 */
import type * as Upload from "@effect-uploads/domain/Upload"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { FilesService } from "@effect-uploads/http/FilesService"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as engine from "./internal/engine.js"
import * as sources from "./internal/source.js"
import type { SourceError } from "./SourceError.js"
import type { TransferError } from "./TransferError.js"
import type { TransferEvent } from "./TransferEvent.js"
import { TransferJournal } from "./TransferJournal.js"
import type { TransferOptions } from "./TransferOptions.js"

/**
 * For a source that has no name of its own.
 *
 * @since 0.1.0
 * @category models
 */
export interface NamedOptions extends TransferOptions {
  readonly filename: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StreamOptions extends NamedOptions {
  /** The number of bytes that the stream has. */
  readonly bytes: number
}

/** A source, and how to send it: the one thing that the forms below are made of. */
interface Transfer<R> {
  readonly options: TransferOptions
  readonly source: (limits: Limits) => Effect.Effect<sources.Source, SourceError | InvalidRequest, R>
}

const send = <R>(
  { options, source }: Transfer<R>,
  watcher: engine.Job["watcher"]
): Effect.Effect<Upload.Completed, TransferError, UploadsService | R> =>
  Effect.gen(function*() {
    const limits = yield* UploadLimits
    return yield* engine.run({
      options,
      watcher,
      limits,
      source: yield* source(limits),
      uploads: yield* UploadsService,
      files: yield* Effect.serviceOption(FilesService),
      journal: yield* TransferJournal
    })
  }).pipe(Effect.withSpan("Transfer", { attributes: { purpose: options.purpose } }))

const sendQuietly = <R>(transfer: Transfer<R>) => send(transfer, Option.none())

/** The transfer runs as long as somebody listens. */
const watch = <R>(transfer: Transfer<R>): Stream.Stream<TransferEvent, TransferError, UploadsService | R> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const events = yield* Mailbox.make<TransferEvent, TransferError>()
    yield* send(transfer, Option.some((event) => Effect.asVoid(events.offer(event)))).pipe(
      Mailbox.into(events),
      Effect.forkScoped
    )
    return Mailbox.toStream(events)
  }))

const basename = (path: string): string => path.replace(/^.*[/\\]/, "")

const ofFile = (path: string, options: TransferOptions): Transfer<FileSystem.FileSystem> => ({
  options,
  source: (limits) =>
    sources.file(path, { filename: options.filename ?? basename(path), purpose: options.purpose }, limits)
})

const ofBytes = (data: Uint8Array, options: NamedOptions): Transfer<never> => ({
  options,
  source: (limits) => sources.bytes(data, options.filename, limits)
})

const ofBlob = (data: Blob, options: TransferOptions): Transfer<never> => ({
  options: { ...options, ...(options.mimeType === undefined && data.type !== "" ? { mimeType: data.type } : {}) },
  source: (limits) => sources.blob(data, options.filename ?? (data instanceof File ? data.name : "blob"), limits)
})

const ofStream = <E, R>(data: Stream.Stream<Uint8Array, E, R>, options: StreamOptions): Transfer<R> => ({
  options,
  source: (limits) =>
    Effect.flatMap(
      Effect.context<R>(),
      (context) => sources.stream(Stream.provideContext(data, context), options, limits)
    )
})

/**
 * Sends the file at a path. It is read while it is sent, a few hundred KiB at a time.
 *
 * With a `TransferJournal`, a transfer that failed for a reason that may pass, was interrupted, or whose process was killed,
 * goes on where it was when it is run again with the same path, file name and purpose.
 *
 * @since 0.1.0
 * @category constructors
 */
export const file = (
  path: string,
  options: TransferOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService | FileSystem.FileSystem> =>
  sendQuietly(ofFile(path, options))

/**
 * {@link file} as a stream of what happens. The transfer ends when nobody listens any more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fileEvents = (
  path: string,
  options: TransferOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService | FileSystem.FileSystem> => watch(ofFile(path, options))

/**
 * @since 0.1.0
 * @category constructors
 */
export const bytes = (
  data: Uint8Array,
  options: NamedOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService> => sendQuietly(ofBytes(data, options))

/**
 * {@link bytes} as a stream of what happens. The transfer ends when nobody listens any more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const bytesEvents = (
  data: Uint8Array,
  options: NamedOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService> => watch(ofBytes(data, options))

/**
 * Sends a `Blob`. A `File` brings its name, and both may bring their type.
 *
 * @since 0.1.0
 * @category constructors
 */
export const blob = (
  data: Blob,
  options: TransferOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService> => sendQuietly(ofBlob(data, options))

/**
 * {@link blob} as a stream of what happens. The transfer ends when nobody listens any more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const blobEvents = (
  data: Blob,
  options: TransferOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService> => watch(ofBlob(data, options))

/**
 * Sends a stream of a known number of bytes, and fails with `SourceLengthMismatch` where it has another. A part is held in
 * memory until it is acknowledged, so at most `concurrency` parts are: 256 MiB by default. Where a new Upload has to take the
 * place of the first, the stream is run again.
 *
 * @since 0.1.0
 * @category constructors
 */
export const stream = <E, R>(
  data: Stream.Stream<Uint8Array, E, R>,
  options: StreamOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService | R> => sendQuietly(ofStream(data, options))

/**
 * {@link stream} as a stream of what happens. The transfer ends when nobody listens any more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const streamEvents = <E, R>(
  data: Stream.Stream<Uint8Array, E, R>,
  options: StreamOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService | R> => watch(ofStream(data, options))
