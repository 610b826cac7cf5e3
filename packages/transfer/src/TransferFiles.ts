/**
 * The options, outcomes and events of a set of files.
 *
 * @since 0.1.0
 */
import type * as Upload from "@effect-uploads/domain/Upload"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Option from "effect/Option"
import type { TransferError } from "./TransferError.js"
import type { TransferEvent } from "./TransferEvent.js"
import type { TransferOptions } from "./TransferOptions.js"

/**
 * The options of all files of the set. `concurrency` is the number of parts that are sent at the same time, those of all files
 * together.
 *
 * @since 0.1.0
 * @category models
 */
export interface FilesOptions extends Omit<TransferOptions, "filename" | "md5"> {
  /**
   * Whether the other files are sent after one failed. With `stop`, files that are under way are sent to their end, and no further
   * one is started. Default: `continue`.
   */
  readonly onFailure?: "continue" | "stop" | undefined
}

/**
 * - `Sent`: the File exists.
 * - `Failed`: the file was not sent. `error` says what is left of its Upload.
 * - `Skipped`: the file was not started, because another one failed and `onFailure` is `stop`.
 *
 * `index` is the position of the source in the set, from 0. `name` is its path, or the name of its File.
 *
 * @since 0.1.0
 * @category models
 */
export type FileOutcome = Data.TaggedEnum<{
  Sent: { readonly index: number; readonly name: string; readonly upload: Upload.Completed }
  Failed: { readonly index: number; readonly name: string; readonly error: TransferError }
  Skipped: { readonly index: number; readonly name: string }
}>

/**
 * The constructors of the outcomes, `$is` to test for one and `$match` to handle all of them.
 *
 * @example
 * ```ts
 * import * as TransferFiles from "@effect-uploads/transfer/TransferFiles"
 *
 * export const isFailed = TransferFiles.FileOutcome.$is("Failed")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const FileOutcome = Data.taggedEnum<FileOutcome>()

/**
 * - `FileEvent`: an event of one file. A file that an earlier run sent has `Completed` alone.
 * - `FileEnded`: one file was sent, failed or was skipped.
 * - `FilesProgress`: four times a second, the progress of all files together. `sentBytes` never decreases. `bytesPerSecond` and
 *   `timeLeft` are those of the connection.
 * - `FilesEnded`: all outcomes, in the order of the sources. The last event.
 *
 * @since 0.1.0
 * @category models
 */
export type FilesEvent = Data.TaggedEnum<{
  FileEvent: { readonly index: number; readonly name: string; readonly event: TransferEvent }
  FileEnded: { readonly outcome: FileOutcome }
  FilesProgress: {
    readonly sentBytes: number
    readonly totalBytes: number
    readonly endedFiles: number
    readonly totalFiles: number
    readonly bytesPerSecond: number
    readonly timeLeft: Option.Option<Duration.Duration>
  }
  FilesEnded: { readonly outcomes: ReadonlyArray<FileOutcome> }
}>

/**
 * The constructors of the events, `$is` to test for one and `$match` to handle all of them.
 *
 * @example
 * ```ts
 * import * as TransferFiles from "@effect-uploads/transfer/TransferFiles"
 *
 * export const isProgress = TransferFiles.FilesEvent.$is("FilesProgress")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const FilesEvent = Data.taggedEnum<FilesEvent>()
