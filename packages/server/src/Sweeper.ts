/**
 * Gives back the room of bytes that nobody can ask for any more.
 *
 * What counts is what the repository says, not what the sweeper has seen: so it does not matter when it runs, or whether the
 * server was killed while it did. Bytes that are being read or written are left for the next time.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Leases } from "./Leases.js"
import { PartStorage } from "./PartStorage.js"
import type { StorageError } from "./StorageError.js"
import { UploadRepository } from "./UploadRepository.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The time from one pass over the database to the next. */
  readonly interval: Duration.DurationInput
  /** The time from one pass over the whole part storage to the next; the first is at the start. */
  readonly scanInterval: Duration.DurationInput
  /**
   * Whether this process alone writes to the part storage. Then bytes that nobody is writing, and that are of no recorded part,
   * are left over. Else this is known only when their Upload takes no more parts.
   */
  readonly exclusive: boolean
}

/** Clocks of several servers differ: what has expired here may not have there. */
const grace = Duration.minutes(1)

/** How many Uploads are reclaimed between two looks at the database. */
const batch = 256

/** How many at a time: they share commits. */
const concurrency = 16

/**
 * Removes the bytes of Uploads that were cancelled or have expired, and of Files that were deleted or have expired.
 *
 * @since 0.1.0
 * @category combinators
 */
export const reclaim = (
  options: Pick<Options, "exclusive">
): Effect.Effect<void, StorageError, UploadRepository | PartStorage | Leases> =>
  Effect.gen(function*() {
    const repository = yield* UploadRepository
    const storage = yield* PartStorage
    const inUse = yield* Leases
    yield* repository.forgetCalls(yield* DateTime.now)
    // Those that are held stay, and come first: the next look goes past them.
    for (let held = 0, isMore = true; isMore;) {
      const limit = held + batch
      const now = yield* DateTime.now
      const uploadIds = yield* repository.reclaimable(
        options.exclusive ? now : DateTime.subtractDuration(now, grace),
        limit
      )
      const idle = yield* Effect.filter(uploadIds, (uploadId) => inUse.isHeld(uploadId), { negate: true })
      yield* Effect.forEach(
        idle,
        (uploadId) => Effect.zipRight(storage.removeUpload(uploadId), repository.reclaimed(uploadId)),
        { concurrency, discard: true }
      )
      held = uploadIds.length - idle.length
      isMore = uploadIds.length === limit
    }
  }).pipe(Effect.withSpan("Sweeper.reclaim"))

/**
 * Removes bytes that belong to no part: what was being written when a process was killed, and parts that were not listed when
 * their Upload was completed.
 *
 * @since 0.1.0
 * @category combinators
 */
export const removeOrphans = (
  options: Pick<Options, "exclusive">
): Effect.Effect<void, StorageError, UploadRepository | PartStorage | Leases> =>
  Effect.gen(function*() {
    const repository = yield* UploadRepository
    const storage = yield* PartStorage
    const inUse = yield* Leases
    yield* storage.list.pipe(
      Stream.groupAdjacentBy(({ uploadId }) => uploadId),
      Stream.runForEach(([uploadId, keys]) =>
        Effect.gen(function*() {
          // In this order: a part that is not held any more is recorded, or never will be.
          if (yield* inUse.isHeld(uploadId)) return
          if (!options.exclusive && (yield* repository.takesParts(uploadId, yield* DateTime.now))) return
          const parts = new Set((yield* repository.partsOfUpload(uploadId)).map(({ part }) => part.id))
          yield* Effect.forEach(
            Chunk.filter(keys, ({ partId }) => !parts.has(partId)),
            storage.remove,
            { discard: true }
          )
        })
      )
    )
  }).pipe(Effect.withSpan("Sweeper.removeOrphans"))

/** A pass that fails is told in the log, and the next one tries again. */
const untiring = <A, R>(pass: Effect.Effect<A, StorageError, R>) =>
  Effect.catchAll(pass, (error) => Effect.logError(`The sweeper stopped: ${error.message}`))

/**
 * Sweeps at the start, and then from time to time for as long as the layer lives.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<never, never, UploadRepository | PartStorage | Leases> =>
  Layer.scopedDiscard(
    Effect.all([
      Effect.forkScoped(Effect.repeat(untiring(reclaim(options)), Schedule.spaced(options.interval))),
      Effect.forkScoped(Effect.repeat(untiring(removeOrphans(options)), Schedule.spaced(options.scanInterval)))
    ])
  )
