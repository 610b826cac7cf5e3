/**
 * Frees the space of bytes that no request can reach.
 *
 * Each pass starts from the state in the repository, so it may run at any time, and the server may be killed during a pass.
 * Bytes that a request reads or writes are left for the next pass.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { clockSkewAllowance, Leases } from "./Leases.js"
import { PartStorage } from "./PartStorage.js"
import type { StorageError } from "./StorageError.js"
import { UploadRepository } from "./UploadRepository.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The time between two passes over the database. */
  readonly interval: Duration.DurationInput
  /** The time between two passes over the whole part storage. The first pass is at the start. */
  readonly scanInterval: Duration.DurationInput
  /** The time for which an Upload is known after its parts were removed. */
  readonly retention: Duration.DurationInput
  /**
   * Whether only this process writes to the part storage. Then bytes without a recorded part and without a lease are orphans.
   * Otherwise they are orphans only when their Upload accepts no more parts.
   */
  readonly exclusive: boolean
}

/** The present for all servers: what has expired then has expired on each of them. */
const safeNow = ({ exclusive }: Pick<Options, "exclusive">) =>
  Effect.map(DateTime.now, (now) => exclusive ? now : DateTime.subtractDuration(now, clockSkewAllowance))

/** Runs a pass unless another server runs it at the moment. */
const locked = <A, E, R>(
  pass: Parameters<Leases["Type"]["lockPass"]>[0],
  effect: Effect.Effect<A, E, R>
): Effect.Effect<void, E | StorageError, Leases | Exclude<R, Scope.Scope>> =>
  Effect.scoped(
    Effect.flatMap(Leases, (leases) =>
      Effect.flatMap(leases.lockPass(pass), (isLocked) => Effect.when(effect, () => isLocked)))
  ).pipe(Effect.asVoid)

/** The number of Uploads that are reclaimed between two queries. */
const batch = 256

/** Concurrent commands share commits. */
const concurrency = 16

/**
 * Removes the bytes of Uploads that were cancelled or have expired, and of Files that were deleted or have expired. Then deletes
 * the rows of Uploads whose retention has passed.
 *
 * @since 0.1.0
 * @category combinators
 */
export const reclaim = (
  options: Pick<Options, "exclusive" | "retention">
): Effect.Effect<void, StorageError, UploadRepository | PartStorage | Leases> =>
  Effect.gen(function*() {
    const repository = yield* UploadRepository
    const storage = yield* PartStorage
    const leases = yield* Leases
    yield* repository.forgetCalls(yield* safeNow(options))
    // Uploads with a lease stay and come first, so the next query has to go past them.
    for (let leased = 0, isMore = true; isMore;) {
      const limit = leased + batch
      const now = yield* safeNow(options)
      const uploadIds = yield* repository.reclaimable(now, limit)
      const idle = yield* Effect.filter(uploadIds, (uploadId) => leases.isLeased(uploadId), { negate: true })
      yield* Effect.forEach(
        idle,
        (uploadId) => Effect.zipRight(storage.removeUpload(uploadId), repository.reclaimed(uploadId, now)),
        { concurrency, discard: true }
      )
      leased = uploadIds.length - idle.length
      isMore = uploadIds.length === limit
    }
    yield* Effect.repeat(
      Effect.flatMap(safeNow(options), (now) =>
        repository.forgetUploads(DateTime.subtractDuration(now, options.retention), batch)),
      {
        while: (deleted) =>
          deleted === batch
      }
    )
    yield* repository.releaseSpace
  }).pipe((pass) => locked("reclaim", pass), Effect.withSpan("Sweeper.reclaim"))

/**
 * Removes bytes without a recorded part: partial files of a killed process, and parts that were not listed when their Upload
 * was completed.
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
    const leases = yield* Leases
    yield* storage.list.pipe(
      Stream.groupAdjacentBy(({ uploadId }) => uploadId),
      Stream.runForEach(([uploadId, keys]) =>
        Effect.gen(function*() {
          // In this order: a part whose lease has ended is recorded by then, or never will be.
          if (yield* leases.isLeased(uploadId)) return
          if (!options.exclusive && (yield* repository.takesParts(uploadId, yield* safeNow(options)))) return
          const parts = new Set((yield* repository.partsOfUpload(uploadId)).map(({ part }) => part.id))
          yield* Effect.forEach(
            Chunk.filter(keys, ({ partId }) => !parts.has(partId)),
            storage.remove,
            { discard: true }
          )
        })
      )
    )
  }).pipe((pass) => locked("removeOrphans", pass), Effect.withSpan("Sweeper.removeOrphans"))

/** Logs the failure of a pass. The next pass tries again. */
const logAndContinue = <A, R>(pass: Effect.Effect<A, StorageError, R>) =>
  Effect.catchAll(pass, (error) => Effect.logError(`A pass of the sweeper failed: ${error.message}`))

/**
 * Sweeps at the start and then at the given intervals, as long as the layer exists.
 *
 * @example
 * ```ts
 * import * as Sweeper from "@effect-uploads/server/Sweeper"
 *
 * // `exclusive`: no other process writes to the part storage.
 * export const sweeper = Sweeper.layer({ interval: "1 minute", scanInterval: "1 hour", retention: "7 days", exclusive: true })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<never, never, UploadRepository | PartStorage | Leases> =>
  Layer.scopedDiscard(
    Effect.all([
      Effect.forkScoped(Effect.repeat(logAndContinue(reclaim(options)), Schedule.spaced(options.interval))),
      Effect.forkScoped(Effect.repeat(logAndContinue(removeOrphans(options)), Schedule.spaced(options.scanInterval)))
    ])
  )
