import * as Effect from "effect/Effect"
import { md5 } from "js-md5"
import type { Hash } from "./hash.js"

/** A hash in JavaScript, which runs anywhere. */
export const make: Effect.Effect<Hash> = Effect.sync(() => {
  const hash = md5.create()
  return { bytesPerTurn: 512 * 1024, update: (bytes) => hash.update(bytes), digest: () => hash.hex() }
})
