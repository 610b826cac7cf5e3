import type * as Upload from "@effect-uploads/domain/Upload"
import type * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"

/*
 * `createdAt` and `expiresAt` of an Upload are times of the service's clock, which may differ from ours by hours. Their difference
 * is the lifetime of the Upload. It is measured from the arrival of the response, on a clock that is never set.
 */

/** The whole milliseconds of a clock that is never set back or forward. Only differences of it have a meaning. */
export const unsafeMonotonicMillis = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)

export const monotonicMillis: Effect.Effect<number> = Effect.map(Effect.clock, unsafeMonotonicMillis)

/** The lifetime of an Upload in milliseconds. */
export const ofUpload = ({ createdAt, expiresAt }: Upload.Pending): number =>
  Math.max(0, DateTime.distance(createdAt, expiresAt))

/** The milliseconds that are left of an Upload, given the time of this process's clock at which its response arrived. */
export const remainingSince = (upload: Upload.Pending, receivedAt: number): Effect.Effect<number> =>
  Effect.clockWith((clock) =>
    Effect.map(
      clock.currentTimeMillis,
      // After the clock was set back, the whole lifetime is assumed: the service decides.
      (now) => ofUpload(upload) - Math.max(0, now - receivedAt)
    )
  )
