/**
 * Remembers the state of a transfer, so that it can be resumed after its process was killed. The API has no request that
 * returns it.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { PartId } from "@effect-uploads/domain/Ids"
import { Completed, Pending } from "@effect-uploads/domain/Upload"
import type { PlatformError } from "@effect/platform/Error"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { entryKey, entryKeys, prefix, recordKey, revisionsPerEntry, transfersOf } from "./internal/journalKeys.js"
import * as journalLock from "./internal/journalLock.js"
import { JournalFailed } from "./TransferError.js"

const Acknowledged = Schema.Array(Schema.Struct({ index: Schema.NonNegativeInt, partId: PartId }))

/**
 * The state of one transfer: its source, its Upload, and the acknowledged parts.
 *
 * @since 0.1.0
 * @category models
 */
export class JournalEntry extends Schema.Class<JournalEntry>("@effect-uploads/transfer/JournalEntry")({
  /** Increases with every write. */
  revision: Schema.NonNegativeInt,
  /** The idempotency keys of the Upload's requests begin with it, so that a resumed transfer repeats the same requests. */
  idempotencyKey: Schema.NonEmptyString,
  /** Absent until the response to the creation of the Upload was received. */
  upload: Schema.optionalWith(Pending, { as: "Option", exact: true }),
  /**
   * When the Upload was created by the clock of this process, in milliseconds since 1970: its lifetime begins there. Until the
   * response was received: when it was requested.
   */
  receivedAt: Schema.Number,
  /** The size of the source in bytes. */
  bytes: ByteSize,
  /** The size of the parts in bytes. */
  partSize: Schema.Int.pipe(Schema.positive()),
  /** The modification time of the source, in Unix milliseconds. */
  modifiedAt: Schema.Number,
  /** When the contents or properties of the source last changed, in milliseconds since 1970. Null where it is not known. */
  changedAt: Schema.NullOr(Schema.Number),
  acknowledged: Acknowledged,
  /** Present for a file of a set that was sent, until the whole set is. */
  completed: Schema.optionalWith(Completed, { as: "Option", exact: true })
}) {}

/**
 * The parts that were acknowledged since the previous write.
 *
 * @since 0.1.0
 * @category models
 */
export class JournalRecord extends Schema.Class<JournalRecord>("@effect-uploads/transfer/JournalRecord")({
  /** The key of the entry. A record with another key belongs to an earlier transfer, and is ignored. */
  idempotencyKey: Schema.NonEmptyString,
  /** The revision after that of the previous write. */
  revision: Schema.NonNegativeInt,
  acknowledged: Acknowledged
}) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Reads the last entry that was written completely, with what was appended to it. */
  readonly load: (key: string) => Effect.Effect<Option.Option<JournalEntry>, JournalFailed>
  /** Replaces the entry. */
  readonly save: (key: string, entry: JournalEntry) => Effect.Effect<void, JournalFailed>
  /** Adds acknowledged parts to the entry, without writing all of it again. */
  readonly append: (key: string, record: JournalRecord) => Effect.Effect<void, JournalFailed>
  readonly remove: (key: string) => Effect.Effect<void, JournalFailed>
  /** Locks a key for the scope, so that one run at a time uses its entry. None if another run holds the lock. */
  readonly lock: (key: string) => Effect.Effect<Option.Option<JournalLock>, JournalFailed, Scope.Scope>
}

/**
 * The lock of a run on its entry. A process that is killed does not leave it behind: its lock counts as free after 5 seconds
 * without a sign of life.
 *
 * @since 0.1.0
 * @category models
 */
export interface JournalLock {
  /** Whether the lock is still that of this run. */
  readonly isHeld: Effect.Effect<boolean, JournalFailed>
  /** Completes when another run has taken the lock, because this one gave no sign of life. */
  readonly lost: Effect.Effect<void>
}

/**
 * The journal of all transfers. By default there is none.
 *
 * @since 0.1.0
 * @category services
 */
export class TransferJournal
  extends Context.Reference<TransferJournal>()<"@effect-uploads/transfer/TransferJournal", Option.Option<Service>>(
    "@effect-uploads/transfer/TransferJournal",
    { defaultValue: () => Option.none() }
  )
{}

const decodeEntry = Schema.decodeUnknownOption(Schema.parseJson(JournalEntry))
const encodeEntry = Schema.encode(Schema.parseJson(JournalEntry))
const decodeRecord = Schema.decodeUnknownOption(Schema.parseJson(JournalRecord))
const encodeRecord = Schema.encode(Schema.parseJson(JournalRecord))

/**
 * Makes a journal in a `KeyValueStore`.
 *
 * A process may be killed while the store replaces a value. So entries are written to two keys in turn: while one is written,
 * the other one still has the previous entry. Each record has a key of its own until the next entry is written.
 *
 * @example
 * ```ts
 * import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
 * import * as KeyValueStore from "@effect/platform/KeyValueStore"
 * import * as Effect from "effect/Effect"
 *
 * export const program = TransferJournal.make.pipe(
 *   Effect.flatMap((journal) => journal.load("some key")),
 *   Effect.provide(KeyValueStore.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Service, never, KeyValueStore.KeyValueStore> = Effect.map(
  KeyValueStore.KeyValueStore,
  (whole) => {
    const store = KeyValueStore.prefix(whole, prefix)
    const failed = Effect.mapError((cause: unknown) => new JournalFailed({ cause }))
    const lock = journalLock.make(store)

    const loadEntry = (key: string) =>
      Effect.map(
        Effect.forEach(entryKeys(key), store.get),
        (written) =>
          written.flatMap(Option.toArray).flatMap((text) => Option.toArray(decodeEntry(text)))
            .reduce(
              (last, entry) =>
                Option.exists(last, ({ revision }) => revision > entry.revision) ? last : Option.some(entry),
              Option.none<JournalEntry>()
            )
      )
    /** Adds the records up to the first that is missing, that was not written completely, or that is older than the entry. */
    const withRecords = (key: string, entry: JournalEntry) =>
      Effect.gen(function*() {
        const acknowledged = [...entry.acknowledged]
        let revision = entry.revision
        while (true) {
          const next = Option.filter(
            Option.flatMap(yield* store.get(recordKey(key, revision + 1)), decodeRecord),
            (record) => record.idempotencyKey === entry.idempotencyKey && record.revision === revision + 1
          )
          if (Option.isNone(next)) return new JournalEntry({ ...entry, revision, acknowledged })
          acknowledged.push(...next.value.acknowledged)
          revision++
        }
      })
    /** Removes the last record first. After an interruption, the rest has no gap, so that the next removal finds it. */
    const removeRecords = (key: string, first: number): Effect.Effect<void, PlatformError> =>
      Effect.whenEffect(
        Effect.zipRight(Effect.suspend(() => removeRecords(key, first + 1)), store.remove(recordKey(key, first))),
        first < revisionsPerEntry ? store.has(recordKey(key, first)) : Effect.succeed(false)
      )

    return {
      load: (key) =>
        loadEntry(key).pipe(
          Effect.flatMap(Effect.transposeMapOption((entry) => withRecords(key, entry))),
          failed
        ),
      save: (key, entry) =>
        failed(Effect.flatMap(encodeEntry(entry), (text) => store.set(entryKey(key, entry.revision), text))),
      append: (key, record) =>
        failed(Effect.flatMap(encodeRecord(record), (text) => store.set(recordKey(key, record.revision), text))),
      remove: (key) =>
        removeRecords(key, 1).pipe(
          Effect.zipRight(Effect.forEach(
            entryKeys(key),
            (entry) => Effect.whenEffect(store.remove(entry), store.has(entry)),
            { discard: true }
          )),
          failed
        ),
      lock: (key) =>
        lock(`${key}/lock`).pipe(
          failed,
          Effect.map(Option.map(({ isHeld, lost }) => ({ isHeld: failed(isHeld), lost })))
        )
    }
  }
)

/**
 * The keys of the transfers that have an entry in a `KeyValueStore`, from all keys of the store. `KeyValueStore` cannot list its
 * keys, so the caller reads them from the folder or the table behind it.
 *
 * @example
 * ```ts
 * import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
 *
 * export const transfers = (stored: Storage) => TransferJournal.keysOf(Object.keys(stored))
 * ```
 *
 * @since 0.1.0
 * @category getters
 */
export const keysOf: (stored: Iterable<string>) => ReadonlyArray<string> = transfersOf

/**
 * Keeps journals in the `KeyValueStore` of the context, for example in files.
 *
 * @example
 * ```ts
 * import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
 * import * as NodeKeyValueStore from "@effect/platform-node/NodeKeyValueStore"
 * import * as Layer from "effect/Layer"
 *
 * export const journal = Layer.provide(
 *   TransferJournal.layerKeyValueStore,
 *   NodeKeyValueStore.layerFileSystem("./journals")
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyValueStore: Layer.Layer<TransferJournal, never, KeyValueStore.KeyValueStore> = Layer.effect(
  TransferJournal,
  Effect.map(make, Option.some)
)

/**
 * Keeps journals in memory, so that a suspended transfer can be resumed within the same process.
 *
 * @example
 * ```ts
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Transfer.file("./data.bin", { purpose: "user_data" }).pipe(
 *   Effect.retry({ times: 2, while: ({ _tag }) => _tag === "TransferSuspended" }),
 *   Effect.provide(TransferJournal.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<TransferJournal> = layerKeyValueStore.pipe(
  Layer.provide(KeyValueStore.layerMemory)
)
