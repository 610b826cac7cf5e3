import * as Effect from "effect/Effect"

/*
 * Timers are no way to let the event loop run: a browser makes each of them wait 4 ms, and a timer of `TestClock` is none.
 */

const byImmediate: Effect.Effect<void> = Effect.async((resume) => {
  // eslint-disable-next-line no-restricted-globals -- A turn of the event loop is not time.
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

const byMessage: Effect.Effect<void> = Effect.async((resume) => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    resume(Effect.void)
  }
  port2.postMessage(undefined)
  return Effect.sync(() => port1.close())
})

/**
 * Lets the event loop run other work. Node needs `setImmediate`, because it receives up to 1000 messages of a `MessageChannel`
 * before it looks at its sockets. A browser has the channel only, and workerd may have neither.
 */
export const turn: Effect.Effect<void> = Effect.suspend(() => {
  if ("setImmediate" in globalThis) return byImmediate
  return "MessageChannel" in globalThis ? byMessage : Effect.sleep(0)
})
