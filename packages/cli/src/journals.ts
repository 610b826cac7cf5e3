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
import { reasonOf } from "./reason.js"

/*
 * The journals of this machine: a folder for each service, because an Upload of one is unknown to the others.
 */

/** `http://127.0.0.1:4141/v1` has the folder `http_127.0.0.1_4141_v1`. */
const folderOf = (serviceUrl: string): string => serviceUrl.replace(/[^a-z0-9.-]+/gi, "_").replace(/_+$/, "")

export const folder = Effect.gen(function*() {
  const path = yield* Path.Path
  return path.join(yield* folders.stateFolder, "journals", folderOf(yield* ServiceUrl))
})

/** Fails where the folder cannot be made or written to, such as in a read-only home folder. */
export const prepare = (directory: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
    yield* fs.access(directory, { writable: true })
  }).pipe(
    Effect.mapError((error) => new LocalFileFailed({ path: directory, doing: "write", reason: reasonOf(error) }))
  )

const layerIn = (directory: string) =>
  Layer.provide(
    TransferJournal.layerKeyValueStore,
    Layer.mapError(
      KeyValueStore.layerFileSystem(directory),
      (error: PlatformError) => new LocalFileFailed({ path: directory, doing: "write", reason: reasonOf(error) })
    )
  )

/** The journal of the service in use. */
export const layer = Layer.unwrapEffect(Effect.map(Effect.tap(folder, prepare), layerIn))

/** The same for a command that only reads: nothing is made where there are no journals. */
export const layerIfThere = Layer.unwrapEffect(
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* folder
    return (yield* Effect.orElseSucceed(fs.exists(directory), () => false)) ? layerIn(directory) : Layer.empty
  })
)

/** What the journals know of the transfer of one file. */
export interface Known {
  readonly key: string
  readonly upload: Upload.Pending
  readonly sentBytes: number
  readonly isExpired: boolean
  /** The file was sent, and others of the same command were not yet. */
  readonly isCompleted: boolean
}

/** The store encodes keys as names of files. A file of another's may have any name. */
const decode = Option.liftThrowable(decodeURIComponent)

/** The names of the keys: `TransferJournal` writes an entry to two of them in turn. */
const keyPattern = /^effect-uploads\/transfer\/(.+)\/[01]$/

/** What the journals of the service in use know of; nothing where there are none. */
export const list = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* folder
  const names = yield* fs.readDirectory(directory).pipe(
    Effect.catchIf((error) => error._tag === "SystemError" && error.reason === "NotFound", () => Effect.succeed([])),
    Effect.mapError((error) => new LocalFileFailed({ path: directory, doing: "read", reason: reasonOf(error) }))
  )
  const keys = new Set(names.flatMap((name) => {
    const [, key] = keyPattern.exec(Option.getOrElse(decode(name), () => name)) ?? []
    return key === undefined ? [] : [key]
  }))
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
            // Without an Upload the response to its creation never came: nothing was sent.
            Option.map(upload, (upload): Known => ({
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
export const unfinished = Effect.map(list, (known) => known.filter(({ isCompleted }) => !isCompleted))

/** Ends an entry of {@link list} for good: `end` runs while no transfer has it, and then it is forgotten. */
export const close = <E, R>({ key, upload }: Known, end: Effect.Effect<void, E, R>) =>
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
