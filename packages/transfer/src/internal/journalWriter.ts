import type { PartId } from "@effect-uploads/domain/Ids"
import type { Pending } from "@effect-uploads/domain/Upload"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SynchronizedRef from "effect/SynchronizedRef"
import type { JournalFailed } from "../TransferError.js"
import type { Service } from "../TransferJournal.js"
import { JournalEntry } from "../TransferJournal.js"
import type { Source } from "./source.js"

/** What is written down of one transfer; nothing where there is no journal, or no way back to the source. */
export interface JournalWriter {
  readonly isKept: boolean
  /** What an earlier run wrote. */
  readonly load: Effect.Effect<Option.Option<JournalEntry>, JournalFailed>
  /** A new Upload, of which no part is acknowledged. */
  readonly begin: (upload: Pending, partSize: number) => Effect.Effect<void, JournalFailed>
  readonly acknowledge: (index: number, partId: PartId) => Effect.Effect<void, JournalFailed>
  /** There is nothing to come back to. An entry that cannot be removed does no harm: who finds it sees that its Upload is over. */
  readonly close: Effect.Effect<void>
}

const none: JournalWriter = {
  isKept: false,
  load: Effect.succeedNone,
  begin: () => Effect.void,
  acknowledge: () => Effect.void,
  close: Effect.void
}

export const make = (journal: Option.Option<Service>, source: Source): Effect.Effect<JournalWriter> =>
  Effect.gen(function*() {
    if (Option.isNone(journal) || Option.isNone(source.identity)) return none
    const { load, remove, save } = journal.value
    const { key, modifiedAt } = source.identity.value
    const current = yield* SynchronizedRef.make(Option.none<JournalEntry>())

    /** Writings are one after the other, each whole. */
    const write = (next: (entry: Option.Option<JournalEntry>) => Option.Option<JournalEntry>) =>
      SynchronizedRef.updateEffect(current, (before) => {
        const entry = next(before)
        return Option.isNone(entry) ? Effect.succeed(entry) : Effect.as(save(key, entry.value), entry)
      })

    return {
      isKept: true,
      load: Effect.tap(load(key), (entry) => SynchronizedRef.set(current, entry)),
      begin: (upload, partSize) =>
        write((before) =>
          Option.some(
            new JournalEntry({
              revision: Option.match(before, { onNone: () => 0, onSome: ({ revision }) => revision + 1 }),
              upload,
              partSize,
              modifiedAt,
              acknowledged: []
            })
          )
        ),
      acknowledge: (index, partId) =>
        write(Option.map((entry) =>
          new JournalEntry({
            ...entry,
            revision: entry.revision + 1,
            acknowledged: [...entry.acknowledged, { index, partId }]
          })
        )),
      close: remove(key).pipe(
        Effect.zipRight(SynchronizedRef.set(current, Option.none())),
        Effect.catchAll((error) => Effect.logWarning(`A journal that is done with was not removed: ${error.message}`))
      )
    }
  })
