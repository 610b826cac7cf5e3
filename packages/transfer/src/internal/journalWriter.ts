import type { PartId } from "@effect-uploads/domain/Ids"
import type { Completed, Pending } from "@effect-uploads/domain/Upload"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as SynchronizedRef from "effect/SynchronizedRef"
import type { JournalFailed } from "../TransferError.js"
import { TransferInProgress } from "../TransferError.js"
import type { Service } from "../TransferJournal.js"
import { JournalEntry, JournalRecord } from "../TransferJournal.js"
import { nextEntry } from "./journalKeys.js"
import type { Source } from "./sources/source.js"

/**
 * Writes the journal entry of one transfer, whose lock it holds. Does nothing without a journal, or for a source that has no
 * identity.
 */
export interface JournalWriter {
  readonly isEnabled: boolean
  /** Reads the entry of an earlier run. */
  readonly load: Effect.Effect<Option.Option<JournalEntry>, JournalFailed>
  /** Replaces the entry before the Upload is created, so that a killed run and the next one create the same Upload. */
  readonly begin: (request: {
    readonly idempotencyKey: string
    readonly partSize: number
    readonly receivedAt: number
  }) => Effect.Effect<void, JournalFailed | TransferInProgress>
  readonly created: (
    upload: Pending,
    receivedAt: number
  ) => Effect.Effect<void, JournalFailed | TransferInProgress>
  /**
   * Appends an acknowledged part. A write that fails, such as on a full disk, is logged and ends no transfer: the next one has its
   * parts too, and a resumed transfer sends again what was not written.
   */
  readonly acknowledge: (index: number, partId: PartId) => Effect.Effect<void, TransferInProgress>
  /** Removes the entry. A failure is only logged: the next run finds that the Upload of the entry has ended. */
  readonly close: Effect.Effect<void>
  /** Closes the entry of a completed transfer. In a set of files the entry stays, so that a later run skips the file. */
  readonly finish: (upload: Completed) => Effect.Effect<void>
  /** The Upload of the entry, if an earlier run of the same set completed it. */
  readonly completed: (entry: JournalEntry) => Option.Option<Completed>
  /** Fails when another run has taken the lock. */
  readonly lost: Effect.Effect<never, TransferInProgress>
}

const disabled: JournalWriter = {
  isEnabled: false,
  load: Effect.succeedNone,
  begin: () => Effect.void,
  created: () => Effect.void,
  acknowledge: () => Effect.void,
  close: Effect.void,
  finish: () => Effect.void,
  completed: () => Option.none(),
  lost: Effect.never
}

/** The state of the transfer in the store. */
interface Written {
  /** The last whole entry. */
  readonly entry: ConstructorParameters<typeof JournalEntry>[0]
  /** The revision of the last write, be it an entry or a record. */
  readonly revision: number
  /** All acknowledged parts, those of the records included. */
  readonly acknowledged: Chunk.Chunk<JournalEntry["acknowledged"][number]>
}

export const make = (
  journal: Option.Option<Service>,
  source: Source,
  /** The keys of a set's completed files. None for a transfer of one file. */
  completedKeys: Option.Option<Set<string>>
): Effect.Effect<JournalWriter, JournalFailed | TransferInProgress, Scope.Scope> =>
  Effect.gen(function*() {
    if (Option.isNone(journal) || Option.isNone(source.identity)) return disabled
    const { append, load, remove, save } = journal.value
    const { changedAt, key, modifiedAt } = source.identity.value
    const inProgress = new TransferInProgress({ name: source.name })
    const lock = yield* Effect.flatMap(journal.value.lock(key), Effect.mapError(() => inProgress))
    const confirmLock = Effect.filterOrFail(lock.isHeld, (held) => held, () => inProgress)
    /** Parts that are acknowledged during a write. The next write has all of them. */
    const waiting: Array<JournalEntry["acknowledged"][number]> = []
    /** True if the last append failed. */
    let isFailing = false
    const current = yield* SynchronizedRef.make(Option.none<Written>())

    /** Writes one at a time, so that revisions reach the store in their order. */
    const write = (next: (before: Option.Option<Written>) => Effect.Effect<Option.Option<Written>, JournalFailed>) =>
      SynchronizedRef.updateEffect(current, (before) => Effect.zipRight(confirmLock, next(before)))

    /** Writes the whole entry, with the next revision of an entry. */
    const saveEntry = ({ acknowledged, entry, revision }: Written) => {
      const saved = new JournalEntry({
        ...entry,
        revision: nextEntry(revision),
        acknowledged: Chunk.toReadonlyArray(acknowledged)
      })
      return Effect.as(save(key, saved), Option.some({ entry: saved, revision: saved.revision, acknowledged }))
    }
    const changeEntry = (change: Partial<JournalEntry>) =>
      write(Option.match({
        onNone: () => Effect.succeedNone,
        onSome: ({ entry, ...written }) => saveEntry({ ...written, entry: { ...entry, ...change } })
      }))

    const appendParts = ({ acknowledged, entry, revision }: Written, parts: JournalEntry["acknowledged"]) => {
      const written = {
        entry,
        revision: revision + 1,
        acknowledged: Chunk.appendAll(acknowledged, Chunk.unsafeFromArray(parts))
      }
      if (written.revision === nextEntry(revision)) return saveEntry({ ...written, revision })
      const { idempotencyKey } = entry
      const record = new JournalRecord({ idempotencyKey, revision: written.revision, acknowledged: parts })
      return Effect.as(append(key, record), Option.some(written))
    }

    const warn = (error: Error) => Effect.logWarning(`The journal of a transfer was not updated: ${error.message}`)
    const close = confirmLock.pipe(
      Effect.zipRight(remove(key)),
      Effect.zipRight(SynchronizedRef.set(current, Option.none())),
      Effect.catchAll(warn)
    )
    const keep = (upload: Completed, keys: Set<string>) =>
      changeEntry({ completed: Option.some(upload) }).pipe(
        Effect.zipRight(Effect.sync(() => keys.add(key))),
        Effect.catchAll(warn)
      )

    return {
      isEnabled: true,
      load: Effect.tap(load(key), (entry) =>
        SynchronizedRef.set(
          current,
          Option.map(entry, (entry) => ({
            entry,
            revision: entry.revision,
            acknowledged: Chunk.unsafeFromArray(entry.acknowledged)
          }))
        )),
      finish: (upload) =>
        Option.match(completedKeys, { onNone: () => close, onSome: (keys) => Effect.asVoid(keep(upload, keys)) }),
      completed: (entry) => Option.tap(entry.completed, () => Option.map(completedKeys, (keys) => keys.add(key))),
      begin: ({ idempotencyKey, partSize, receivedAt }) =>
        write((before) => {
          // Those of an Upload that this one replaces.
          waiting.length = 0
          return saveEntry({
            entry: {
              revision: 0,
              idempotencyKey,
              upload: Option.none(),
              receivedAt,
              bytes: source.bytes,
              partSize,
              modifiedAt,
              changedAt,
              acknowledged: [],
              completed: Option.none()
            },
            revision: Option.match(before, { onNone: () => 0, onSome: ({ revision }) => revision }),
            acknowledged: Chunk.empty()
          })
        }),
      created: (upload, receivedAt) => changeEntry({ upload: Option.some(upload), receivedAt }),
      acknowledge: (index, partId) =>
        Effect.suspend(() => {
          waiting.push({ index, partId })
          return SynchronizedRef.updateEffect(current, (before) => {
            if (waiting.length === 0 || Option.isNone(before)) return Effect.succeed(before)
            const parts = waiting.splice(0)
            return confirmLock.pipe(
              Effect.zipRight(appendParts(before.value, parts)),
              Effect.tap(() => {
                isFailing = false
              }),
              Effect.catchTag("JournalFailed", (error) => {
                waiting.unshift(...parts)
                const firstWarning = isFailing ? Effect.void : warn(error)
                isFailing = true
                return Effect.as(firstWarning, before)
              })
            )
          })
        }),
      close,
      lost: Effect.zipRight(lock.lost, inProgress)
    }
  })
