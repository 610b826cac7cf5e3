import * as EventLoop from "@effect-uploads/http/EventLoop"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Runs an effect, and returns the number of turns of the event loop meanwhile. */
const turnsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    let turns = 0
    const count = (): NodeJS.Immediate => {
      turns++
      return other = setImmediate(count)
    }
    let other = setImmediate(count)
    yield* effect
    clearImmediate(other)
    return turns
  })

describe("EventLoop.nextTurn", () => {
  it.effect("continues in another turn of the event loop", () =>
    Effect.gen(function*() {
      expect(yield* turnsOf(Effect.yieldNow())).toBe(0)
      expect(yield* turnsOf(Effect.repeatN(EventLoop.nextTurn, 9))).toBeGreaterThanOrEqual(9)
    }))

  it.effect("serves one caller in each turn, in their order", () =>
    Effect.gen(function*() {
      const served: Array<number> = []
      const callers = Array.from(
        { length: 20 },
        (_, index) => Effect.zipRight(EventLoop.nextTurn, Effect.sync(() => served.push(index)))
      )
      expect(yield* turnsOf(Effect.all(callers, { concurrency: "unbounded" }))).toBeGreaterThanOrEqual(19)
      expect(served).toEqual(callers.map((_, index) => index))
    }))

  it.effect("gives the turn of an interrupted caller to the next one", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(EventLoop.nextTurn)
      yield* Effect.yieldNow()
      const next = yield* Effect.fork(EventLoop.nextTurn)
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(fiber)
      expect(yield* turnsOf(Fiber.join(next))).toBeLessThanOrEqual(2)
    }))

  it.live.each(["setImmediate", "MessageChannel", "timers only"])(
    "lets other work run where there is %s",
    (kind) =>
      Effect.gen(function*() {
        const { MessageChannel, setImmediate } = globalThis
        let isDone = false
        setTimeout(() => {
          isDone = true
        })
        yield* Effect.acquireUseRelease(
          Effect.sync(() => {
            if (kind !== "setImmediate") Reflect.deleteProperty(globalThis, "setImmediate")
            if (kind === "timers only") Reflect.deleteProperty(globalThis, "MessageChannel")
          }),
          () => Effect.repeat(EventLoop.nextTurn, { until: () => isDone }),
          () => Effect.sync(() => Object.assign(globalThis, { MessageChannel, setImmediate }))
        )
        expect(isDone).toBe(true)
      })
  )
})
