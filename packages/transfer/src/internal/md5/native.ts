import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Hash } from "./hash.js"

/**
 * A hash of `node:crypto`, which Node, Bun and Deno have. It is asked for and not imported, because a bundle for browsers cannot
 * have an import of `node:`. Fails in other runtimes, and where the policy of the system forbids md5 (FIPS).
 */
export const make: Effect.Effect<Hash, Cause.UnknownException> = Effect.try(() => {
  // eslint-disable-next-line no-restricted-globals -- Other runtimes have no `process`, or one without this method.
  const { createHash } = globalThis.process.getBuiltinModule("node:crypto")
  const hash = createHash("md5")
  return {
    bytesPerTurn: 1024 * 1024,
    update: (bytes: Uint8Array) => {
      hash.update(bytes)
    },
    digest: () => hash.digest("hex")
  }
})
