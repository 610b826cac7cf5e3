/*
 * The deadline of an attempt. `Effect.timeoutFail` races two fibers, which is slow. Where the caller cannot see the difference, a timer
 * interrupts the fiber of the caller instead: see `decisions/attempt-deadline.md`.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as Predicate from "effect/Predicate"

/** A timer fires at once when it is set for longer. */
const maximumTimerMillis = 2 ** 31 - 1

const liveClock = Context.get(DefaultServices.liveServices, Clock.Clock)

/**
 * Interrupts the effect when it takes longer than `duration`. It fails with `onTimeout` after its finalizers, whatever they
 * return. An interruption from outside stays an interruption.
 */
export const withDeadline =
  <E1>(duration: Duration.Duration, onTimeout: () => E1) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E1, R> => {
    if (!Duration.isFinite(duration)) return effect
    return Effect.withFiberRuntime<A, E | E1, R>((fiber) =>
      Context.get(fiber.currentDefaultServices, Clock.Clock) === liveClock &&
        Duration.toMillis(duration) <= maximumTimerMillis &&
        // An interruption of a fiber interrupts its children too, and those that are there belong to the caller.
        isChildless(fiber)
        ? interruptedByTimer(fiber, effect, duration, onTimeout)
        : Effect.timeoutFail(effect, { duration, onTimeout })
    )
  }

/**
 * Whether the fiber has no children. `Fiber.children` would suspend the fiber, which takes as long as all the rest of the
 * deadline. The method that it calls is not in the types of Effect: where it is missing, the fiber may have children.
 */
const isChildless = (fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean => {
  const children: unknown = Predicate.hasProperty(fiber, "getChildren") && Predicate.isFunction(fiber.getChildren)
    ? fiber.getChildren()
    : undefined
  return children instanceof Set && children.size === 0
}

const interruptedByTimer = <A, E, R, E1>(
  fiber: Fiber.RuntimeFiber<unknown, unknown>,
  effect: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  onTimeout: () => E1
): Effect.Effect<A, E | E1, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      let interruptor: FiberId.FiberId | undefined
      // eslint-disable-next-line no-restricted-globals -- The clock is the live one, and its `sleep` would need a fiber.
      const timer = setTimeout(() => {
        interruptor = FiberId.unsafeMake()
        fiber.unsafeInterruptAsFork(interruptor)
      }, Duration.toMillis(duration))
      const end = (exit: Effect.Effect<A, E>): Effect.Effect<A, E | E1> => {
        clearTimeout(timer)
        return interruptor === undefined ? exit : Effect.zipRight(takeBack(interruptor), Effect.failSync(onTimeout))
      }
      return Effect.matchCauseEffect(restore(effect), {
        onFailure: (cause) => end(Effect.failCause(cause)),
        onSuccess: (value) => end(Effect.succeed(value))
      })
    })
  )

/** Lets the fiber go on as if this interruption had not happened. One from outside remains. */
const takeBack = (interruptor: FiberId.FiberId): Effect.Effect<void> =>
  Effect.flatMap(FiberRef.get(FiberRef.interruptedCause), (cause) => {
    const others = Cause.filter(cause, (part) => !(Cause.isInterruptType(part) && part.fiberId === interruptor))
    return Effect.zipRight(
      FiberRef.set(FiberRef.interruptedCause, others),
      Cause.isEmpty(others) ? Effect.void : Effect.failCause(others)
    )
  })
