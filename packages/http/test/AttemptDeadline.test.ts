/** The deadline of an attempt, by the timer (on the live clock) and by the race of two fibers (on any other, and with children). */
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import type { ServiceError } from "@effect-uploads/http/ServiceError"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import { describe, expect, it, vi } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { calls, over, respond, stubHttpClient, uploadJson } from "./support/stub.js"

const cancelled = Effect.sync(() => respond(200, uploadJson("cancelled")))

type Respond = Effect.Effect<Response, HttpClientError.HttpClientError>

const deadline = Duration.millis(20)

/** `cancel` over a service that responds with the effect. */
const cancel = (respond: Respond, options: Partial<ClientOptions> = { attemptTimeout: deadline }) =>
  Effect.provide(calls.cancel, over(stubHttpClient(() => respond), options))

const timedOut = { _tag: "RequestTimeout", after: deadline } satisfies Partial<ServiceError>

/** The ways in which an attempt runs. */
const ways = [
  {
    name: "by a timer",
    run: it.live,
    pass: Effect.sleep(Duration.times(deadline, 2)),
    within: <A, E, R>(effect: Effect.Effect<A, E, R>) => effect
  },
  {
    name: "by a race, because the caller has forked a fiber",
    run: it.live,
    pass: Effect.sleep(Duration.times(deadline, 2)),
    within: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.acquireUseRelease(Effect.fork(Effect.interruptible(Effect.never)), (child) =>
        Effect.zipLeft(
          Effect.exit(effect),
          Effect.sync(() => expect(child.unsafePoll()).toBe(null))
        ), Fiber.interrupt).pipe(Effect.flatten)
  },
  {
    name: "by a race, on the test clock",
    run: it.effect,
    pass: TestClock.adjust(Duration.times(deadline, 2)),
    within: <A, E, R>(effect: Effect.Effect<A, E, R>) => effect
  }
]

for (const { name, pass, run, within } of ways) {
  describe(`the deadline of an attempt, ${name}`, () => {
    run(
      "ends the attempt with RequestTimeout after its finalizers, and the fiber goes on",
      () =>
        Effect.gen(function*() {
          const finalized: Array<string> = []
          const finalizer = Effect.zipRight(Effect.yieldNow(), Effect.sync(() => finalized.push("done")))
          const stalled = Effect.onInterrupt(Effect.never, () => finalizer)
          const fiber = yield* Effect.fork(
            Effect.flip(within(cancel(stalled))).pipe(
              Effect.map((error) => ({ error, finalized: [...finalized] })),
              // An interruption that is left over would end the fiber here.
              Effect.zipLeft(Effect.yieldNow())
            )
          )
          yield* pass
          expect(yield* Fiber.join(fiber)).toMatchObject({ error: timedOut, finalized: ["done"] })
        })
    )

    run(
      "leaves an interruption from outside an interruption, by the one who interrupted",
      () =>
        Effect.gen(function*() {
          const sent = yield* Deferred.make<void>()
          let finalized = false
          const stalled = Effect.zipRight(Deferred.succeed(sent, undefined), Effect.never).pipe(
            Effect.onInterrupt(() =>
              Effect.sync(() => {
                finalized = true
              })
            )
          )
          const fiber = yield* Effect.fork(within(cancel(stalled)))
          yield* Deferred.await(sent)
          const exit = yield* Fiber.interrupt(fiber)
          expect(finalized).toBe(true)
          expect(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)).toBe(true)
        })
    )

    run("leaves an interruption an interruption that comes while the finalizers run", () =>
      Effect.gen(function*() {
        const finalizing = yield* Deferred.make<void>()
        const mayEnd = yield* Deferred.make<void>()
        const stalled = Effect.onInterrupt(
          Effect.never,
          () => Effect.zipRight(Deferred.succeed(finalizing, undefined), Deferred.await(mayEnd))
        )
        const fiber = yield* Effect.fork(within(cancel(stalled)))
        yield* pass
        yield* Deferred.await(finalizing)
        yield* Fiber.interruptFork(fiber)
        yield* Effect.yieldNow()
        yield* Deferred.succeed(mayEnd, undefined)
        expect(Exit.isInterrupted(yield* Fiber.await(fiber))).toBe(true)
      }))

    run("waits for the end of an uninterruptible region, and then tells of the timeout", () =>
      Effect.gen(function*() {
        const sent = yield* Deferred.make<void>()
        const mayRespond = yield* Deferred.make<void>()
        const slow = Deferred.succeed(sent, undefined).pipe(
          Effect.zipRight(Deferred.await(mayRespond)),
          Effect.zipRight(cancelled)
        )
        const fiber = yield* Effect.fork(
          Effect.zipLeft(Effect.flip(within(Effect.uninterruptible(cancel(slow)))), Effect.yieldNow())
        )
        yield* Deferred.await(sent)
        yield* pass
        expect(fiber.unsafePoll()).toBe(null)
        yield* Deferred.succeed(mayRespond, undefined)
        expect(yield* Fiber.join(fiber)).toMatchObject(timedOut)
      }))

    run("does not touch an attempt that ends before it", () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.fork(within(cancel(cancelled)))
        expect(yield* Fiber.join(fiber)).toMatchObject({ status: "cancelled" })
        const broken = yield* Effect.exit(within(cancel(Effect.dieMessage("a defect"))))
        expect(Exit.isFailure(broken) && Cause.isDie(broken.cause)).toBe(true)
        yield* pass
      }))
  })
}

describe("on the live clock", () => {
  it.live("a response that comes with the deadline is a success or a RequestTimeout, and the fiber goes on", () =>
    Effect.gen(function*() {
      for (let attempt = 0; attempt < 20; attempt++) {
        const result = yield* Effect.either(cancel(Effect.delay(cancelled, "4 millis"), { attemptTimeout: "4 millis" }))
        expect(result).toMatchObject(
          result._tag === "Right" ? { right: { status: "cancelled" } } : { left: { _tag: "RequestTimeout" } }
        )
        yield* Effect.yieldNow()
      }
    }))

  it.live("no timer is left when an attempt succeeds, fails or is interrupted", () =>
    Effect.gen(function*() {
      const set = vi.spyOn(globalThis, "setTimeout")
      const clear = vi.spyOn(globalThis, "clearTimeout")
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.restoreAllMocks()))
      /** The timers of the default attempt timeout, and how many of them were not cleared. */
      const timers = () => {
        const all = set.mock.results.flatMap(({ value }, index) =>
          set.mock.calls[index]?.[1] === 600_000 ? [value] : []
        )
        return [all.length, all.filter((timer) => clear.mock.calls.every(([cleared]) => cleared !== timer)).length]
      }
      const sent = yield* Deferred.make<void>()
      yield* cancel(cancelled, {})
      yield* Effect.flip(cancel(Effect.sync(() => respond(403, "{}")), {}))
      expect(timers()).toEqual([2, 0])
      const stalled = cancel(Effect.zipRight(Deferred.succeed(sent, undefined), Effect.never), {})
      // A fiber without children, so that its attempt has a timer.
      const fiber = yield* Effect.forkDaemon(stalled)
      yield* Deferred.await(sent)
      expect(timers()).toEqual([3, 1])
      yield* Fiber.interrupt(fiber)
      expect(timers()).toEqual([3, 0])
    }).pipe(Effect.scoped))

  it.live("a deadline beyond the longest timer does not fire at once", () =>
    Effect.gen(function*() {
      const options = { attemptTimeout: "60 days" } as const
      expect(yield* cancel(Effect.delay(cancelled, "5 millis"), options)).toMatchObject({ status: "cancelled" })
    }))

  it.live("each deadline takes back its own interruption alone when one attempt runs within another", () =>
    Effect.gen(function*() {
      const exits: Array<Exit.Exit<unknown, unknown>> = []
      const within = Effect.onExit(
        cancel(Effect.never, { attemptTimeout: "10 minutes" }),
        (exit) => Effect.sync(() => exits.push(exit))
      )
      const error = yield* Effect.flip(cancel(Effect.orDie(Effect.zipRight(within, cancelled))))
      expect(error).toMatchObject(timedOut)
      expect(exits.map(Exit.isInterrupted)).toEqual([true])
    }))
})
