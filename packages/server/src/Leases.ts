/**
 * Leases protect the bytes of an Upload from the sweeper while a request reads or writes them.
 *
 * @since 0.1.0
 */
import type { UploadId } from "@effect-uploads/domain/Ids"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { StorageError } from "./StorageError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Takes a lease until the scope closes. Fails if the lease cannot be recorded. */
  readonly acquire: (uploadId: UploadId) => Effect.Effect<void, StorageError, Scope.Scope>
  /** Whether any request has a lease on the Upload. */
  readonly isLeased: (uploadId: UploadId) => Effect.Effect<boolean, StorageError>
  /**
   * Locks a pass of the sweeper until the scope closes. Returns false if another server has the lock: it makes the pass then.
   */
  readonly lockPass: (pass: "reclaim" | "removeOrphans") => Effect.Effect<boolean, StorageError, Scope.Scope>
}

/**
 * The clocks of servers that share a database may differ by this time: an Upload that has expired here may be pending for
 * another server.
 *
 * @since 0.1.0
 * @category configuration
 */
export const clockSkewAllowance = Duration.minutes(1)

/**
 * @since 0.1.0
 * @category services
 */
export class Leases extends Context.Tag("@effect-uploads/server/Leases")<Leases, Service>() {}

/**
 * The leases of one process, in memory. Several servers on one database need `SqlLeases.layer`.
 *
 * @example
 * ```ts
 * import * as Leases from "@effect-uploads/server/Leases"
 * import * as Sweeper from "@effect-uploads/server/Sweeper"
 * import * as Layer from "effect/Layer"
 *
 * // The services and the sweeper share the leases.
 * export const sweeper = Sweeper.layer({ interval: "1 minute", scanInterval: "1 hour", retention: "7 days", exclusive: true }).pipe(
 *   Layer.provideMerge(Leases.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Leases> = Layer.sync(Leases, () => {
  const counts = new Map<UploadId, number>()
  const add = (uploadId: UploadId, change: 1 | -1) =>
    Effect.sync(() => {
      const count = (counts.get(uploadId) ?? 0) + change
      if (count === 0) counts.delete(uploadId)
      else counts.set(uploadId, count)
    })
  return {
    acquire: (uploadId) => Effect.acquireRelease(add(uploadId, 1), () => add(uploadId, -1)),
    isLeased: (uploadId) => Effect.sync(() => counts.has(uploadId)),
    lockPass: () => Effect.succeed(true)
  }
})
