/**
 * Remembers the state of a transfer, so that it can be resumed after its process was killed. The API has no request that
 * returns it.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { PartId } from "@effect-uploads/domain/Ids"
import { Completed, Pending } from "@effect-uploads/domain/Upload"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { prefix, slots } from "./internal/journalKeys.js"
import * as journalLock from "./internal/journalLock.js"
import { JournalFailed } from "./TransferError.js"

/**
 * The state of one transfer: its source, its Upload, and the acknowledged parts.
 *
 * @since 0.1.0
 * @category models
 */
export class JournalEntry extends Schema.Class<JournalEntry>("@effect-uploads/transfer/JournalEntry")({
  /** Increases by one with every write. */
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
  /** When the source was last modified, in milliseconds since 1970. */
  modifiedAt: Schema.Number,
  /** When the contents or properties of the source last changed, in milliseconds since 1970. Null where it is not known. */
  changedAt: Schema.NullOr(Schema.Number),
  acknowledged: Schema.Array(Schema.Struct({ index: Schema.NonNegativeInt, partId: PartId })),
  /** Present for a file of a set that was sent, until the whole set is. */
  completed: Schema.optionalWith(Completed, { as: "Option", exact: true })
}) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Reads the last entry that was written completely. */
  readonly load: (key: string) => Effect.Effect<Option.Option<JournalEntry>, JournalFailed>
  readonly save: (key: string, entry: JournalEntry) => Effect.Effect<void, JournalFailed>
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

const decode = Schema.decodeUnknownOption(Schema.parseJson(JournalEntry))
const encode = Schema.encode(Schema.parseJson(JournalEntry))

/**
 * Makes a journal in a `KeyValueStore`.
 *
 * A process may be killed while the store replaces a value. So entries are written to two keys in turn: while one is written,
 * the other one still has the previous entry.
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
    return {
      load: (key) =>
        Effect.forEach(slots(key), (slot) => store.get(slot)).pipe(
          Effect.map((written) =>
            written.flatMap(Option.toArray).flatMap((text) => Option.toArray(decode(text)))
              .reduce(
                (last, entry) =>
                  Option.exists(last, ({ revision }) => revision > entry.revision) ? last : Option.some(entry),
                Option.none<JournalEntry>()
              )
          ),
          failed
        ),
      save: (key, entry) =>
        encode(entry).pipe(
          Effect.flatMap((text) => store.set(slots(key)[entry.revision % 2 === 0 ? 0 : 1], text)),
          failed
        ),
      remove: (key) =>
        Effect.forEach(
          slots(key),
          (slot) => Effect.whenEffect(store.remove(slot), store.has(slot)),
          { discard: true }
        ).pipe(failed),
      lock: (key) =>
        lock(`${key}/lock`).pipe(
          failed,
          Effect.map(Option.map(({ isHeld, lost }) => ({ isHeld: failed(isHeld), lost })))
        )
    }
  }
)

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
