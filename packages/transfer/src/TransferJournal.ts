/**
 * What a transfer has to remember to go on after its process was killed: the API cannot be asked.
 *
 * @since 0.1.0
 */
import { PartId } from "@effect-uploads/domain/Ids"
import { Pending } from "@effect-uploads/domain/Upload"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JournalFailed } from "./TransferError.js"

/**
 * One transfer under way: its source as it was, its Upload, and the parts that are acknowledged.
 *
 * @since 0.1.0
 * @category models
 */
export class JournalEntry extends Schema.Class<JournalEntry>("@effect-uploads/transfer/JournalEntry")({
  /** Counts the writings: the highest is the last. */
  revision: Schema.NonNegativeInt,
  upload: Pending,
  /** The size of the parts in bytes. */
  partSize: Schema.Int.pipe(Schema.positive()),
  /** When the source was last modified, in milliseconds since 1970. */
  modifiedAt: Schema.Number,
  acknowledged: Schema.Array(Schema.Struct({ index: Schema.NonNegativeInt, partId: PartId }))
}) {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The last entry that was written whole. */
  readonly load: (key: string) => Effect.Effect<Option.Option<JournalEntry>, JournalFailed>
  readonly save: (key: string, entry: JournalEntry) => Effect.Effect<void, JournalFailed>
  readonly remove: (key: string) => Effect.Effect<void, JournalFailed>
}

/**
 * The journal in force: none, unless a layer provides one.
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
 * A store replaces a value in place, and a process may be killed in the middle of it. So an entry goes by turns to one of two
 * keys: while the one is written, the other still has the entry before.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Service, never, KeyValueStore.KeyValueStore> = Effect.map(
  KeyValueStore.KeyValueStore,
  (whole) => {
    const store = KeyValueStore.prefix(whole, "effect-uploads/transfer/")
    const failed = Effect.mapError((cause: unknown) => new JournalFailed({ cause }))
    const slots = (key: string) => [`${key}/0`, `${key}/1`] as const
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
        ).pipe(failed)
    }
  }
)

/**
 * Journals in the `KeyValueStore` of the context, such as `KeyValueStore.layerFileSystem`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyValueStore: Layer.Layer<TransferJournal, never, KeyValueStore.KeyValueStore> = Layer.effect(
  TransferJournal,
  Effect.map(make, Option.some)
)

/**
 * Journals that live as long as the layer: a failed transfer can go on within the same process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<TransferJournal> = layerKeyValueStore.pipe(
  Layer.provide(KeyValueStore.layerMemory)
)
