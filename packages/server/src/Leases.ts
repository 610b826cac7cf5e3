/**
 * Uploads whose bytes this process is reading or writing at the moment: what the sweeper must not touch.
 *
 * @since 0.1.0
 */
import type { UploadId } from "@effect-uploads/domain/Ids"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** For as long as the scope is open. */
  readonly hold: (uploadId: UploadId) => Effect.Effect<void, never, Scope.Scope>
  readonly isHeld: (uploadId: UploadId) => Effect.Effect<boolean>
}

/**
 * @since 0.1.0
 * @category services
 */
export class Leases extends Context.Tag("@effect-uploads/server/Leases")<Leases, Service>() {}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Leases> = Layer.sync(Leases, () => {
  const holders = new Map<UploadId, number>()
  const add = (uploadId: UploadId, change: 1 | -1) =>
    Effect.sync(() => {
      const count = (holders.get(uploadId) ?? 0) + change
      if (count === 0) holders.delete(uploadId)
      else holders.set(uploadId, count)
    })
  return {
    hold: (uploadId) => Effect.acquireRelease(add(uploadId, 1), () => add(uploadId, -1)),
    isHeld: (uploadId) => Effect.sync(() => holders.has(uploadId))
  }
})
