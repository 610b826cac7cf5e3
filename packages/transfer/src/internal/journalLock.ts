import type { PlatformError } from "@effect/platform/Error"
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"

/*
 * A lock in a store without atomic operations, which a killed process does not leave behind. Its owner writes a new value every
 * few seconds. A run that finds a value watches it: a value that changes belongs to a living owner, and one that does not change
 * belongs to a dead one. No clocks are compared.
 *
 * Two processes that start at the same moment may both write. The last value stays, so each owner reads it again before it
 * relies on the lock.
 */

/** How often the owner writes a new value. */
const heartbeat = Duration.seconds(2)

/** How long a value has to stay the same until its owner counts as dead: two heartbeats, and some time for the second. */
const silence = Duration.seconds(5)

/** How often a run looks at the value of another owner. */
const pollInterval = Duration.millis(500)

export interface JournalLock {
  readonly isHeld: Effect.Effect<boolean, PlatformError>
  /** Completes when another run has taken the lock. */
  readonly lost: Effect.Effect<void>
}

/** Acquires the lock of a key for the scope. None if a living run holds it. */
export const make = (
  store: KeyValueStore.KeyValueStore
): (key: string) => Effect.Effect<Option.Option<JournalLock>, PlatformError, Scope.Scope> => {
  /** The keys that are locked through this store object, so that a second run in the same process has not to wait. */
  const locked = new Set<string>()
  return (key) =>
    Effect.gen(function*() {
      const isFree = yield* Effect.acquireRelease(
        Effect.sync(() => !locked.has(key) && locked.add(key).has(key)),
        (acquired) => Effect.sync(() => acquired && locked.delete(key))
      )
      return isFree && (yield* isAbandoned(store, key)) ? yield* acquire(store, key) : Option.none()
    })
}

/** Waits until the owner of a value counts as dead, or changes the value. */
const isAbandoned = (store: KeyValueStore.KeyValueStore, key: string): Effect.Effect<boolean, PlatformError> =>
  Effect.gen(function*() {
    const found = yield* store.get(key)
    let current = found
    let waited = 0
    while (Option.isSome(current)) {
      if (waited >= Duration.toMillis(silence)) return true
      yield* Effect.sleep(pollInterval)
      waited += Duration.toMillis(pollInterval)
      current = yield* store.get(key)
      if (Option.isSome(current) && !Option.contains(found, current.value)) return false
    }
    return true
  })

const acquire = (
  store: KeyValueStore.KeyValueStore,
  key: string
): Effect.Effect<Option.Option<JournalLock>, PlatformError, Scope.Scope> =>
  Effect.gen(function*() {
    const owner = `${yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)}-${yield* Random.nextInt}`
    // A store may empty a value before it writes the new one, so a value is not read while it is written.
    const exclusive = Effect.unsafeMakeSemaphore(1).withPermits(1)
    let hasFailed = false
    const isOwn = (value: string) =>
      // A write to a full disk leaves the beginning of a value, or an empty one.
      value.startsWith(`${owner} `) || hasFailed && `${owner} `.startsWith(value)
    const isHeld = exclusive(Effect.map(store.get(key), Option.exists(isOwn)))
    const lost = yield* Deferred.make<void>()
    let beats = 0
    const beat = exclusive(Effect.uninterruptible(
      Effect.onExit(
        Effect.suspend(() => store.set(key, `${owner} ${beats++}`)),
        (exit) =>
          Effect.sync(() => {
            hasFailed = Exit.isFailure(exit)
          })
      )
    ))
    yield* Effect.acquireRelease(
      Effect.tapError(beat, () => Effect.ignore(store.remove(key))),
      // A lock that stays counts as dead after a while.
      () => Effect.ignore(Effect.whenEffect(store.remove(key), isHeld))
    )
    if (!(yield* isHeld)) return Option.none()
    yield* Effect.sleep(heartbeat).pipe(
      // The journal reports a store that fails.
      Effect.zipRight(Effect.orElseSucceed(isHeld, () => true)),
      Effect.flatMap((held) => held ? Effect.ignore(beat) : Deferred.succeed(lost, undefined)),
      Effect.forever,
      Effect.forkScoped
    )
    return Option.some({ isHeld, lost: Deferred.await(lost) })
  })
