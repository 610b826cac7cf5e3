import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { monotonicMillis } from "./lifetime.js"
import { makeRate } from "./rate.js"

/** The state that all parts over the same connection share, also the parts of several files. */
export interface Connection extends Effect.Effect.Success<ReturnType<typeof make>> {}

export const make = (concurrency: number) => Effect.all({ pause: makeSharedPause, uplink: makeUplink(concurrency) })

/** Below this rate of each part, fewer parts are sent at the same time: 64 KiB a second. */
const minimumBytesPerSecond = 64 * 1024

/** Rates that were measured for a shorter time have no effect. */
const measuringMillis = 5000

const defaultStallTimeout = Duration.seconds(60)

/** The rate of the connection, and what follows from it for the parts that share it. */
const makeUplink = (concurrency: number) =>
  Effect.map(Effect.zip(monotonicMillis, Effect.makeSemaphore(concurrency)), ([startedAt, semaphore]) => {
    const ofOnePart = makeRate()
    let measuredMillis = 0
    let taken = 0
    let lastByteAt = startedAt
    let largestChunk = 0
    let active = 0
    const allowed = () =>
      measuredMillis < measuringMillis
        ? concurrency
        : Math.max(1, Math.min(concurrency, Math.floor(active * ofOnePart.bytesPerSecond() / minimumBytesPerSecond)))
    const waitForRate: Effect.Effect<void> = Effect.suspend(() => {
      if (active >= allowed()) return Effect.zipRight(Effect.sleep("1 second"), waitForRate)
      active++
      return Effect.void
    })
    return {
      /** `wait` is the time since the same attempt's previous chunk, which the connection needed to take that one. */
      add: (chunk: { readonly bytes: number; readonly at: number; readonly wait: number }) => {
        taken += chunk.bytes
        lastByteAt = chunk.at
        largestChunk = Math.max(largestChunk, chunk.bytes)
        measuredMillis += chunk.wait
        ofOnePart.add(chunk.bytes, chunk.wait)
      },
      /** Waits while `concurrency` parts are sent, or while the connection is too slow for another part. */
      enter: Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(
          restore(semaphore.take(1)),
          Effect.onInterrupt(restore(waitForRate), () => semaphore.release(1))
        )
      ),
      leave: Effect.suspend(() => {
        active--
        return semaphore.release(1)
      }),
      /**
       * On a slow connection the parts wait for each other: four times as long as it takes a chunk of each. Measured up to the last
       * byte, so that a dead connection does not count as a slow one.
       */
      stallTimeout: () => {
        const elapsed = lastByteAt - startedAt
        return elapsed < measuringMillis
          ? defaultStallTimeout
          : Duration.max(defaultStallTimeout, Duration.millis(Math.ceil(4 * largestChunk * active * elapsed / taken)))
      }
    }
  })

/** A pause that holds for all parts: a rate limit is that of the client, not that of one request. */
const makeSharedPause = Effect.map(Ref.make(0), (until) => {
  const remaining = Effect.zipWith(Ref.get(until), monotonicMillis, (until, now) => Math.max(0, until - now))
  const wait: Effect.Effect<void> = Effect.flatMap(
    remaining,
    (remaining) => remaining > 0 ? Effect.zipRight(Effect.sleep(remaining), wait) : Effect.void
  )
  return {
    remaining,
    wait,
    extend: (delay: Duration.Duration) =>
      Effect.flatMap(
        monotonicMillis,
        (now) => Ref.update(until, (current) => Math.max(current, now + Duration.toMillis(delay)))
      )
  }
})
