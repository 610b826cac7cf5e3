import * as Effect from "effect/Effect"

/**
 * Lets the event loop serve other requests. `Effect.yieldNow` is not enough: it continues in a microtask, before the next I/O.
 */
export const yieldToEventLoop: Effect.Effect<void> = Effect.async((resume) => {
  // eslint-disable-next-line no-restricted-globals -- This waits for no time, only for the other work of the event loop.
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})
