/**
 * All that a web page needs to send and read files, in one layer.
 *
 * - `UploadsService` and `FilesService` as clients of the OpenAI API, or of another service with the same API. The service has to
 *   allow the origin of the page (CORS), unless the page comes from the service itself.
 * - One `HttpClient` for both. The browser reads a part of a `File` by itself and tells how much of it was sent. No part is sent as a
 *   stream: a page can do that over HTTP/2 only, and not in every browser.
 * - A {@link TransferJournal} in `localStorage`, so that a transfer can be resumed after the page was loaded anew. The user picks
 *   the file again, and `Transfer.blob` recognizes it. Where the browser blocks `localStorage`, the journal is in memory: a transfer
 *   can be paused and resumed until the page is closed.
 *
 * There is no `layerConfig`, because a page has no environment. A key that is delivered with a page is public, so ask the user for
 * it.
 *
 * @since 0.1.0
 */
import type { InvalidRequest, UploadAlreadyCompleted } from "@effect-uploads/domain/UploadError"
import * as BrowserUploadsHttpClient from "@effect-uploads/http/BrowserUploadsHttpClient"
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import type { FilesService } from "@effect-uploads/http/FilesService"
import type { ServiceError } from "@effect-uploads/http/ServiceError"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { transfersOf } from "./internal/journalKeys.js"
import * as memoryStorage from "./internal/memoryStorage.js"
import * as webLock from "./internal/webLock.js"
import type { JournalFailed } from "./TransferError.js"
import { TransferInProgress } from "./TransferError.js"
import type { JournalEntry } from "./TransferJournal.js"
import * as TransferJournal from "./TransferJournal.js"

/**
 * The options of the layer: those of a client. A part is always sent as a Blob.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Omit<ClientOptions, "partBody"> {}

/**
 * What the layer provides.
 *
 * @since 0.1.0
 * @category models
 */
export type Services = UploadsService | FilesService | HttpClient.HttpClient | TransferJournal.TransferJournal

/** All layers of a page share it, as they share `localStorage`. */
const inMemory = memoryStorage.make()

/** A browser may block the storage of a page. Reading the property then throws. */
const storage: Effect.Effect<Storage> = Effect.try((): Storage | undefined => globalThis.localStorage).pipe(
  Effect.map((storage) => storage ?? inMemory),
  Effect.orElseSucceed(() => inMemory)
)

/** Pages that are not loaded from a secure origin have no `navigator.locks`. */
const withWebLock = (journal: TransferJournal.Service): TransferJournal.Service => {
  const locks: LockManager | undefined = globalThis.navigator?.locks
  return locks === undefined ? journal : { ...journal, lock: webLock.make(locks) }
}

const journal: Layer.Layer<TransferJournal.TransferJournal> = Layer.unwrapEffect(Effect.map(
  storage,
  (storage) =>
    Layer.effect(
      TransferJournal.TransferJournal,
      Effect.map(TransferJournal.make, (journal) => Option.some(withWebLock(journal)))
    ).pipe(Layer.provide(KeyValueStore.layerStorage(() => storage)))
))

/**
 * The services of a web page. An option that cannot be sent, such as a URL without a host, makes each call fail with
 * `InvalidRequest`.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * export const send = (file: File, key: string) =>
 *   Transfer.blob(file, { purpose: "user_data" }).pipe(
 *     Effect.provide(BrowserUploads.layer({
 *       apiUrl: "https://uploads.example.com/v1",
 *       apiKey: Redacted.make(key)
 *     }))
 *   )
 * ```
 */
export const layer = (options: Options): Layer.Layer<Services> => {
  const client = { ...options, partBody: "blob" } as const
  return Layer.merge(UploadsClient.layer(client), FilesClient.layer(client)).pipe(
    Layer.provideMerge(BrowserUploadsHttpClient.layer),
    Layer.merge(journal)
  )
}

/**
 * A transfer that was suspended, interrupted, or ended with its page. Run `Transfer.blob` with the same file and options to resume
 * it, or {@link cancel} it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Unfinished {
  /** Identifies the transfer in the journal. */
  readonly key: string
  /** Its state. `modifiedAt` and `bytes` are those of the file; the name is that of the Upload. */
  readonly entry: JournalEntry
}

/**
 * The transfers in the journal of this page's origin, running ones included.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.flatMap(
 *   BrowserUploads.unfinished,
 *   Effect.forEach(({ entry }) => Effect.log(`${entry.acknowledged.length} parts were sent`))
 * ).pipe(Effect.provide(BrowserUploads.layer({ apiUrl: "https://uploads.example.com/v1" })))
 * ```
 */
export const unfinished: Effect.Effect<ReadonlyArray<Unfinished>, JournalFailed> = Effect.gen(function*() {
  const journal = yield* TransferJournal.TransferJournal
  const stored = yield* storage
  if (Option.isNone(journal)) return []
  const names = Array.from({ length: stored.length }, (_, index) => stored.key(index) ?? "")
  const found = yield* Effect.forEach(transfersOf(names), (key) =>
    Effect.map(
      journal.value.load(key),
      Option.map((entry) => ({ key, entry }))
    ))
  return found.flatMap(Option.toArray)
})

/**
 * Cancels the Upload of a transfer that is not running, and removes the transfer from the journal. Fails with `TransferInProgress`
 * if it is running, in this page or in another one.
 *
 * @since 0.1.0
 * @category combinators
 * @example
 * ```ts
 * import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
 * import * as Effect from "effect/Effect"
 *
 * export const cancelAll = Effect.flatMap(BrowserUploads.unfinished, Effect.forEach(BrowserUploads.cancel)).pipe(
 *   Effect.provide(BrowserUploads.layer({ apiUrl: "https://uploads.example.com/v1" }))
 * )
 * ```
 */
export const cancel = (
  { entry, key }: Unfinished
): Effect.Effect<
  void,
  JournalFailed | TransferInProgress | InvalidRequest | UploadAlreadyCompleted | ServiceError,
  UploadsService
> =>
  Effect.scoped(Effect.gen(function*() {
    const journal = yield* TransferJournal.TransferJournal
    if (Option.isNone(journal)) return
    const lock = yield* journal.value.lock(key)
    if (Option.isNone(lock)) {
      return yield* new TransferInProgress({
        name: Option.match(entry.upload, { onNone: () => key, onSome: ({ filename }) => filename })
      })
    }
    const uploads = yield* UploadsService
    yield* Option.match(entry.upload, {
      onNone: () => Effect.void,
      onSome: ({ id }) =>
        Effect.catchTags(Effect.asVoid(uploads.cancel(id)), {
          UploadNotFound: () => Effect.void,
          UploadAlreadyCancelled: () => Effect.void,
          UploadExpired: () => Effect.void
        })
    })
    yield* journal.value.remove(key)
  }))
