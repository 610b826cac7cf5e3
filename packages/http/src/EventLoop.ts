/**
 * Keeps the event loop free while much work is done.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

/** The waiting fibers of this process. Each turn of the event loop resumes one of them. */
const waiting: Array<() => void> = []

const scheduleByMessage = (next: () => void): void => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    next()
  }
  port2.postMessage(undefined)
}

/* eslint-disable no-restricted-globals -- This waits for no time, only for the other work of the event loop. */

/**
 * Node needs `setImmediate`, because it receives up to 1000 messages of a `MessageChannel` before it looks at its sockets. A browser
 * has the channel only, and makes each timer wait 4 ms. workerd may have neither.
 */
const schedule = (next: () => void): void => {
  if ("setImmediate" in globalThis) setImmediate(next)
  else if ("MessageChannel" in globalThis) scheduleByMessage(next)
  else setTimeout(next, 0)
}
/* eslint-enable no-restricted-globals */

const serveNext = () => {
  const [next] = waiting.splice(0, 1)
  if (next !== undefined) next()
  if (waiting.length > 0) schedule(serveNext)
}

/**
 * Continues in another turn of the event loop, after the I/O that is ready. `Effect.yieldNow` is not enough, because it continues
 * in a microtask, before any I/O.
 *
 * Each turn serves one caller of the whole process. So work in slices of a few milliseconds, with this effect in between, keeps
 * a turn short however many requests do such work.
 *
 * @example
 * ```ts
 * import * as EventLoop from "@effect-uploads/http/EventLoop"
 * import * as Arr from "effect/Array"
 * import * as Effect from "effect/Effect"
 *
 * export const encodeAll = (values: ReadonlyArray<unknown>) =>
 *   Effect.forEach(Arr.chunksOf(values, 100), (slice) => Effect.as(EventLoop.nextTurn, JSON.stringify(slice)))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const nextTurn: Effect.Effect<void> = Effect.async((resume) => {
  const next = () => resume(Effect.void)
  if (waiting.push(next) === 1) schedule(serveNext)
  return Effect.sync(() => {
    const index = waiting.indexOf(next)
    if (index >= 0) waiting.splice(index, 1)
  })
})
