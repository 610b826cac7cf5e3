import type * as Upload from "@effect-uploads/domain/Upload"
import { TransferInProgress } from "@effect-uploads/transfer/TransferError"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Path from "@effect/platform/Path"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { ServiceUrl } from "./Backend.js"
import { LocalFileFailed } from "./CliError.js"
import * as folders from "./folders.js"
import { rootCauseMessage } from "./rootCause.js"

/*
 * The journals of this machine. Each service has a folder, because its Uploads exist there only.
 */

/** `http://127.0.0.1:4141/v1` has the folder `http_127.0.0.1_4141_v1`. */
const folderOf = (serviceUrl: string): string => serviceUrl.replace(/[^a-z0-9.-]+/gi, "_").replace(/_+$/, "")

export const folder = Effect.gen(function*() {
  const path = yield* Path.Path
  return path.join(yield* folders.stateFolder, "journals", folderOf(yield* ServiceUrl))
})

/** Creates the folder. Fails if that is impossible, such as in a read-only home folder. */
export const prepare = (directory: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
    yield* fs.access(directory, { writable: true })
  }).pipe(
    Effect.mapError((error) =>
      new LocalFileFailed({ path: directory, doing: "write", reason: rootCauseMessage(error) })
    )
  )

const layerIn = (directory: string) =>
  Layer.provide(
    TransferJournal.layerKeyValueStore,
    Layer.mapError(
      KeyValueStore.layerFileSystem(directory),
      (error: PlatformError) =>
        new LocalFileFailed({ path: directory, doing: "write", reason: rootCauseMessage(error) })
    )
  )

/** The journal of the service in use. */
export const layer = Layer.unwrapEffect(Effect.map(Effect.tap(folder, prepare), layerIn))

/** The same for a command that only reads. It creates no folder. */
export const layerReadOnly = Layer.unwrapEffect(
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* folder
    return (yield* Effect.orElseSucceed(fs.exists(directory), () => false)) ? layerIn(directory) : Layer.empty
  })
)

/** A transfer of one file, from its journal. */
export interface JournaledTransfer {
  readonly key: string
  readonly upload: Upload.Pending
  readonly sentBytes: number
  readonly isExpired: boolean
  /** True if the file was sent, and other files of the same command were not. */
  readonly isCompleted: boolean
}

/** The store encodes keys as filenames. Files that it did not write may have any name. */
const decode = Option.liftThrowable(decodeURIComponent)

/** The transfers in the journals of the service, by expiry. Empty without journals. */
export const list = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* folder
  const names = yield* fs.readDirectory(directory).pipe(
    Effect.catchIf((error) => error._tag === "SystemError" && error.reason === "NotFound", () => Effect.succeed([])),
    Effect.mapError((error) => new LocalFileFailed({ path: directory, doing: "read", reason: rootCauseMessage(error) }))
  )
  const keys = TransferJournal.keysOf(names.map((name) => Option.getOrElse(decode(name), () => name)))
  const journal = yield* TransferJournal.TransferJournal
  const now = yield* DateTime.now
  if (Option.isNone(journal)) return []
  const entries = yield* Effect.forEach(
    keys,
    (key) =>
      Effect.map(
        journal.value.load(key),
        (entry) =>
          Option.flatMap(entry, ({ acknowledged, completed, partSize, upload }) =>
            // Nothing was sent if the journal has no Upload: the response to `create` was lost.
            Option.map(upload, (upload): JournaledTransfer => ({
              key,
              upload,
              sentBytes: acknowledged.reduce(
                (sum, { index }) => sum + Math.max(0, Math.min(partSize, upload.bytes - index * partSize)),
                0
              ),
              isExpired: DateTime.lessThanOrEqualTo(upload.expiresAt, now),
              isCompleted: Option.isSome(completed)
            })))
      )
  )
  return entries.flatMap(Option.toArray).sort((a, b) => a.upload.expiresAt.epochMillis - b.upload.expiresAt.epochMillis)
})

/** The transfers that were suspended, interrupted or killed. */
export const unfinished = Effect.map(list, (transfers) => transfers.filter(({ isCompleted }) => !isCompleted))

/** Runs `end` with the lock of the transfer, then removes its journal. Fails if the transfer is in progress. */
export const close = <E, R>({ key, upload }: JournaledTransfer, end: Effect.Effect<void, E, R>) =>
  Effect.flatMap(
    TransferJournal.TransferJournal,
    Option.match({
      onNone: () => end,
      onSome: ({ lock, remove }) =>
        Effect.gen(function*() {
          if (Option.isNone(yield* lock(key))) return yield* new TransferInProgress({ name: upload.filename })
          yield* end
          yield* remove(key)
        }).pipe(Effect.scoped)
    })
  )
