import type { FileObject } from "@effect-uploads/domain/FileObject"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { size } from "./format.js"

/*
 * A browser cannot send a key with a link, so a File that needs one is read by the page.
 */

declare global {
  /** Not in every browser, and not in the types of TypeScript. */
  var showSaveFilePicker: ((options: { readonly suggestedName: string }) => Promise<FileSystemFileHandle>) | undefined
}

/** Without a way to write to the disk, the File is in memory before it is saved. */
const memoryLimit = 1_000_000_000

/** The browser could not save the File, or the user closed the dialog. */
export class SaveFailed extends Data.TaggedError("SaveFailed")<{
  readonly message: string
  readonly isCancelled: boolean
}> {}

const saving = <A>(run: () => Promise<A>): Effect.Effect<A, SaveFailed> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new SaveFailed({
        message: "The browser could not write the file.",
        isCancelled: cause instanceof DOMException && cause.name === "AbortError"
      })
  })

/** Saves a File of the server. A file that is written only in part is removed again. */
export const save = (
  file: FileObject,
  onBytes: (bytes: number) => Effect.Effect<void>
): Effect.Effect<void, SaveFailed | FilesService.ContentError, FilesService.FilesService> =>
  Effect.gen(function*() {
    const files = yield* FilesService.FilesService
    const content = Stream.tap(files.content(file.id), (bytes) => onBytes(bytes.byteLength))
    const { showSaveFilePicker } = globalThis
    if (showSaveFilePicker !== undefined) {
      const handle = yield* saving(() => showSaveFilePicker({ suggestedName: file.filename }))
      const writable = yield* saving(() => handle.createWritable())
      return yield* Stream.runForEach(content, (bytes) => saving(() => writable.write(new Uint8Array(bytes)))).pipe(
        Effect.zipRight(saving(() => writable.close())),
        Effect.onError(() => Effect.ignore(saving(() => writable.abort())))
      )
    }
    if (file.bytes > memoryLimit) {
      return yield* new SaveFailed({
        message: `This browser can save at most ${
          size(memoryLimit)
        } of a File that needs a key, so use curl or another browser.`,
        isCancelled: false
      })
    }
    const chunks: Array<Uint8Array<ArrayBuffer>> = []
    yield* Stream.runForEach(content, (bytes) => Effect.sync(() => chunks.push(new Uint8Array(bytes))))
    yield* Effect.acquireUseRelease(
      Effect.sync(() => URL.createObjectURL(new Blob(chunks))),
      (href) =>
        Effect.zipRight(
          Effect.sync(() => Object.assign(document.createElement("a"), { href, download: file.filename }).click()),
          // The browser reads the URL after the click.
          Effect.sleep("1 minute")
        ),
      (href) => Effect.sync(() => URL.revokeObjectURL(href))
    ).pipe(Effect.forkDaemon)
  })
