/**
 * Sends a whole file as one Upload.
 *
 * Parts are sent in parallel with bounded memory. A part is sent again after a transient failure. When the transfer fails or is
 * interrupted, its Upload is cancelled. With a `TransferJournal` the Upload is kept instead, and a later run resumes it.
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
import type { OnEvent } from "./internal/job.js"
import * as journalWriter from "./internal/journalWriter.js"
import * as blobSource from "./internal/sources/blob.js"
import * as bytesSource from "./internal/sources/bytes.js"
import * as fileSource from "./internal/sources/file.js"
import type { Source } from "./internal/sources/source.js"
import * as streamSource from "./internal/sources/stream.js"
import type { SourceError } from "./SourceError.js"
import type { TransferError } from "./TransferError.js"
import type { TransferEvent } from "./TransferEvent.js"
import { TransferJournal } from "./TransferJournal.js"
import type { TransferOptions } from "./TransferOptions.js"

/**
 * The options for a source that has no name of its own.
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
  /** The number of bytes of the stream. */
  readonly bytes: number
}

/** A source and how to send it. All public forms are made of it. */
interface Transfer<R> {
  readonly options: TransferOptions
  readonly source: (limits: Limits) => Effect.Effect<Source, SourceError | InvalidRequest, R>
}

const run = <R>(
  { options, source: makeSource }: Transfer<R>,
  onEvent: Option.Option<OnEvent>
): Effect.Effect<Upload.Completed, TransferError, UploadsService | R> =>
  Effect.gen(function*() {
    const limits = yield* UploadLimits
    const source = yield* makeSource(limits)
    return yield* engine.run({
      options,
      onEvent,
      limits,
      source,
      uploads: yield* UploadsService,
      files: yield* Effect.serviceOption(FilesService),
      journal: yield* journalWriter.make(yield* TransferJournal, source)
    })
  }).pipe(Effect.scoped, Effect.withSpan("Transfer", { attributes: { purpose: options.purpose } }))

const send = <R>(transfer: Transfer<R>) => run(transfer, Option.none())

/** The transfer runs in the scope of the stream: it is interrupted when the stream is no longer read. */
const events = <R>(transfer: Transfer<R>): Stream.Stream<TransferEvent, TransferError, UploadsService | R> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const mailbox = yield* Mailbox.make<TransferEvent, TransferError>()
    yield* run(transfer, Option.some((event) => Effect.asVoid(mailbox.offer(event)))).pipe(
      Mailbox.into(mailbox),
      Effect.forkScoped
    )
    return Mailbox.toStream(mailbox)
  }))

const ofFile = (path: string, options: TransferOptions): Transfer<FileSystem.FileSystem> => ({
  options,
  source: (limits) => fileSource.make(path, options, limits)
})

const ofBytes = (data: Uint8Array, options: NamedOptions): Transfer<never> => ({
  options,
  source: (limits) => bytesSource.make(data, options.filename, limits)
})

const ofBlob = (data: Blob, options: TransferOptions): Transfer<never> => ({
  options: { ...options, ...(options.mimeType === undefined && data.type !== "" ? { mimeType: data.type } : {}) },
  source: (limits) => blobSource.make(data, options.filename ?? (data instanceof File ? data.name : "blob"), limits)
})

const ofStream = <E, R>(data: Stream.Stream<Uint8Array, E, R>, options: StreamOptions): Transfer<R> => ({
  options,
  source: (limits) =>
    Effect.flatMap(
      Effect.context<R>(),
      (context) => streamSource.make(Stream.provideContext(data, context), options, limits)
    )
})

/**
 * Sends the file at a path. The file is read while it is sent, in chunks of 512 KiB.
 *
 * With a `TransferJournal`, a transfer that was suspended, interrupted or killed is resumed when it is run again with the same
 * path, file name and purpose.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 *
 * export const program = Transfer.file("./training.jsonl", { purpose: "fine-tune", concurrency: 8 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const file = (
  path: string,
  options: TransferOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService | FileSystem.FileSystem> => send(ofFile(path, options))

/**
 * Sends the file at a path as {@link file} does, and emits the events of the transfer. The transfer is interrupted when the
 * stream is no longer read.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * export const program = Transfer.fileEvents("./data.bin", { purpose: "user_data" }).pipe(
 *   Stream.filter(TransferEvent.$is("Progress")),
 *   Stream.runForEach(({ sentBytes, totalBytes }) => Effect.log(`${sentBytes} of ${totalBytes} bytes`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fileEvents = (
  path: string,
  options: TransferOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService | FileSystem.FileSystem> => events(ofFile(path, options))

/**
 * Sends bytes that are in memory. They are not copied.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 *
 * const data = new TextEncoder().encode("Some text.")
 *
 * export const program = Transfer.bytes(data, { purpose: "user_data", filename: "note.txt" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const bytes = (
  data: Uint8Array,
  options: NamedOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService> => send(ofBytes(data, options))

/**
 * Sends bytes as {@link bytes} does, and emits the events of the transfer. The transfer is interrupted when the stream is no
 * longer read.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Stream from "effect/Stream"
 *
 * const data = new TextEncoder().encode("Some text.")
 *
 * export const program = Stream.runCollect(
 *   Transfer.bytesEvents(data, { purpose: "user_data", filename: "note.txt" })
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const bytesEvents = (
  data: Uint8Array,
  options: NamedOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService> => events(ofBytes(data, options))

/**
 * Sends a `Blob` or `File`. The name of a `File` is the default of `filename`, and its type that of `mimeType`.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 *
 * export const program = (photo: File) => Transfer.blob(photo, { purpose: "vision" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const blob = (
  data: Blob,
  options: TransferOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService> => send(ofBlob(data, options))

/**
 * Sends a `Blob` as {@link blob} does, and emits the events of the transfer. The transfer is interrupted when the stream is no
 * longer read.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Stream from "effect/Stream"
 *
 * export const program = (photo: File) => Stream.runDrain(Transfer.blobEvents(photo, { purpose: "vision" }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const blobEvents = (
  data: Blob,
  options: TransferOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService> => events(ofBlob(data, options))

/**
 * Sends a stream of a known number of bytes. Fails with `SourceLengthMismatch` when the stream has another number of bytes.
 *
 * A part stays in memory until it is acknowledged, so `concurrency` parts are in memory at most: 256 MiB by default. When the
 * transfer restarts with a new Upload, the stream is run again.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Stream from "effect/Stream"
 *
 * const lines = Stream.make("{\"a\":1}\n", "{\"a\":2}\n").pipe(Stream.encodeText)
 *
 * export const program = Transfer.stream(lines, { purpose: "batch", filename: "lines.jsonl", bytes: 16 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const stream = <E, R>(
  data: Stream.Stream<Uint8Array, E, R>,
  options: StreamOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService | R> => send(ofStream(data, options))

/**
 * Sends a stream as {@link stream} does, and emits the events of the transfer. The transfer is interrupted when the stream of
 * events is no longer read.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Stream from "effect/Stream"
 *
 * const lines = Stream.make("{\"a\":1}\n", "{\"a\":2}\n").pipe(Stream.encodeText)
 *
 * export const program = Stream.runDrain(
 *   Transfer.streamEvents(lines, { purpose: "batch", filename: "lines.jsonl", bytes: 16 })
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const streamEvents = <E, R>(
  data: Stream.Stream<Uint8Array, E, R>,
  options: StreamOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService | R> => events(ofStream(data, options))
