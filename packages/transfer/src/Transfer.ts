/**
 * Sends a whole file as one Upload.
 *
 * Parts are sent in parallel with bounded memory. A part is sent again after a transient failure. When the transfer fails or is
 * interrupted, its Upload is cancelled. With a `TransferJournal` the Upload is kept instead, and a later run resumes it.
 *
 * @since 0.1.0
 */
import type * as Upload from "@effect-uploads/domain/Upload"
import type { UploadsService } from "@effect-uploads/http/UploadsService"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as fileSet from "./internal/fileSet.js"
import { run } from "./internal/transfer.js"
import type { TransferError } from "./TransferError.js"
import type { TransferEvent } from "./TransferEvent.js"
import type { FileOutcome, FilesEvent, FilesOptions } from "./TransferFiles.js"
import type { TransferOptions } from "./TransferOptions.js"
import * as TransferSource from "./TransferSource.js"

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
export interface StreamOptions extends NamedOptions, TransferSource.StreamOptions {
  readonly filename: string
}

const send = <R>(source: TransferSource.TransferSource<R>, options: TransferOptions) =>
  run(source, options, Option.none())

/** The transfer runs in the scope of the stream: it is interrupted when the stream is no longer read. */
const events = <R>(
  source: TransferSource.TransferSource<R>,
  options: TransferOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService | R> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const mailbox = yield* Mailbox.make<TransferEvent, TransferError>()
    yield* run(source, options, Option.some((event) => Effect.asVoid(mailbox.offer(event)))).pipe(
      Mailbox.into(mailbox),
      Effect.forkScoped
    )
    return Mailbox.toStream(mailbox)
  }))

/**
 * Sends the file at a path. The file is read while it is sent, in chunks of 512 KiB.
 *
 * A pipe, a device such as `/dev/stdin`, or a file of `/proc` has no size. It is first read to its end, into a temporary file.
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
): Effect.Effect<Upload.Completed, TransferError, UploadsService | FileSystem.FileSystem> =>
  send(TransferSource.file(path, options), options)

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
): Stream.Stream<TransferEvent, TransferError, UploadsService | FileSystem.FileSystem> =>
  events(TransferSource.file(path, options), options)

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
): Effect.Effect<Upload.Completed, TransferError, UploadsService> => send(TransferSource.bytes(data, options), options)

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
): Stream.Stream<TransferEvent, TransferError, UploadsService> => events(TransferSource.bytes(data, options), options)

/**
 * Sends a `Blob` or `File`. The name of a `File` is the default of `filename`, and its type that of `mimeType`.
 *
 * With a `TransferJournal` the transfer of a `File` is resumed when it is run again with a `File` of the same name, size and
 * modification time, for example one that was picked again after the page was loaded anew. The md5 tells whether its contents are
 * the same, so leave `checksum` on.
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
): Effect.Effect<Upload.Completed, TransferError, UploadsService> => send(TransferSource.blob(data, options), options)

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
): Stream.Stream<TransferEvent, TransferError, UploadsService> => events(TransferSource.blob(data, options), options)

/**
 * Sends a stream. Fails with `SourceLengthMismatch` when it has another number of bytes than `bytes`.
 *
 * With `bytes` the stream is read while it is sent. A part stays in memory until it is acknowledged, so `concurrency` parts are in memory at most: 256 MiB by default. When the
 * transfer restarts with a new Upload, the stream is run again. Without `bytes` the stream is first read to its end, because an
 * Upload is created with its size: into a temporary file if the context has a `FileSystem`, else into memory, up to 256 MiB.
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
): Effect.Effect<Upload.Completed, TransferError, UploadsService | R> =>
  send(TransferSource.stream(data, options), options)

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
): Stream.Stream<TransferEvent, TransferError, UploadsService | R> =>
  events(TransferSource.stream(data, options), options)

/**
 * Sends the body of a `Response` of `fetch`. The default of `filename` is the last segment of its URL, that of `mimeType` its
 * content type. Fails with `SourceUnreadable` when its status is not a success.
 *
 * The body is read while it is sent if its length is known, and otherwise first read to its end as a {@link stream} is. It can be
 * read once, so a transfer of known length cannot restart with a new Upload.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.promise(() => fetch("https://example.com/data.csv")).pipe(
 *   Effect.flatMap((response) => Transfer.response(response, { purpose: "user_data" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const response = (
  data: Response,
  options: TransferOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService> =>
  send(TransferSource.response(data, options), options)

/**
 * Sends a `Response` as {@link response} does, and emits the events of the transfer. The transfer is interrupted when the stream
 * is no longer read.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Stream from "effect/Stream"
 *
 * export const program = (data: Response) => Stream.runDrain(Transfer.responseEvents(data, { purpose: "user_data" }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const responseEvents = (
  data: Response,
  options: TransferOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService> =>
  events(TransferSource.response(data, options), options)

/**
 * Downloads a URL with the `HttpClient` of the context and sends the body, as {@link response} does. The `HttpClient` sees the URL
 * and no key of the Uploads API. When the transfer restarts with a new Upload, the body is downloaded again.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 *
 * export const program = Transfer.url("https://example.com/data.csv", { purpose: "user_data" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const url = (
  location: string,
  options: TransferOptions
): Effect.Effect<Upload.Completed, TransferError, UploadsService | HttpClient.HttpClient> =>
  send(TransferSource.url(location, options), options)

/**
 * Sends a URL as {@link url} does, and emits the events of the transfer. The transfer is interrupted when the stream is no longer
 * read.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Stream from "effect/Stream"
 *
 * export const program = Stream.runDrain(
 *   Transfer.urlEvents("https://example.com/data.csv", { purpose: "user_data" })
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const urlEvents = (
  location: string,
  options: TransferOptions
): Stream.Stream<TransferEvent, TransferError, UploadsService | HttpClient.HttpClient> =>
  events(TransferSource.url(location, options), options)

/**
 * Sends a set of files, each as one Upload. Never fails: there is an outcome for each source, in the order of the sources, and a
 * file that fails does not stop the others. A string is a path.
 *
 * `concurrency` limits the parts of all files together, and a 429 pauses all of them. Several small files are under way at the same
 * time, because most of their time is that of requests without bytes. With a `TransferJournal` a later run of the same set skips
 * the files that were sent and still exist, and resumes the others. After a run in which all files were sent, the set begins again.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as TransferFiles from "@effect-uploads/transfer/TransferFiles"
 * import * as TransferSource from "@effect-uploads/transfer/TransferSource"
 * import * as Effect from "effect/Effect"
 *
 * const sources = ["./a.pdf", "./b.pdf", TransferSource.url("https://example.com/c.pdf")]
 *
 * export const program = Transfer.files(sources, { purpose: "user_data" }).pipe(
 *   Effect.map((outcomes) => outcomes.filter(TransferFiles.FileOutcome.$is("Failed"))),
 *   Effect.tap((failed) => Effect.forEach(failed, ({ error, name }) => Effect.logError(name, error)))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const files = <R = never>(
  sources: Iterable<string | TransferSource.TransferSource<FileSystem.FileSystem> | TransferSource.TransferSource<R>>,
  options: FilesOptions
): Effect.Effect<ReadonlyArray<FileOutcome>, never, UploadsService | FileSystem.FileSystem | R> =>
  fileSet.run(sources, options, () => Effect.void)

/**
 * Sends a set of files as {@link files} does, and emits the events of each file and the progress of all. The transfers are
 * interrupted when the stream is no longer read.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as TransferFiles from "@effect-uploads/transfer/TransferFiles"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * export const program = Transfer.filesEvents(["./a.pdf", "./b.pdf"], { purpose: "user_data" }).pipe(
 *   Stream.filter(TransferFiles.FilesEvent.$is("FilesProgress")),
 *   Stream.runForEach(({ endedFiles, totalFiles }) => Effect.log(`${endedFiles} of ${totalFiles} files`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const filesEvents = <R = never>(
  sources: Iterable<string | TransferSource.TransferSource<FileSystem.FileSystem> | TransferSource.TransferSource<R>>,
  options: FilesOptions
): Stream.Stream<FilesEvent, never, UploadsService | FileSystem.FileSystem | R> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const mailbox = yield* Mailbox.make<FilesEvent>()
    yield* fileSet.run(sources, options, (event) => Effect.asVoid(mailbox.offer(event)))
      .pipe(Mailbox.into(mailbox), Effect.forkScoped)
    return Mailbox.toStream(mailbox)
  }))
