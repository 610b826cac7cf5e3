import * as EventLoop from "@effect-uploads/http/EventLoop"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Hash } from "./hash.js"
import * as javascript from "./javascript.js"
import * as native from "./native.js"

/** Loaded on first use: a runtime with a native hash needs no bytes of it. */
const webAssembly = Effect.tryPromise(async () => (await import("./webAssembly.js")).make())

/** The fastest implementation of this runtime. */
export const fastest: Effect.Effect<Hash> = native.make.pipe(
  Effect.orElse(() => webAssembly),
  Effect.catchAll((reason) =>
    Effect.zipRight(
      Effect.logDebug("WebAssembly cannot be compiled, so md5 is computed in JavaScript", Cause.fail(reason.error)),
      javascript.make
    )
  )
)

/** Hashes in slices of `bytesPerTurn`, however large the chunks are. */
export const inTurns = ({ bytesPerTurn, digest, update }: Hash) => {
  let room = bytesPerTurn
  const updateInTurns = (bytes: Uint8Array): Effect.Effect<void> =>
    Effect.suspend(() => {
      const slice = bytes.subarray(0, room)
      update(slice)
      room -= slice.byteLength
      if (room > 0) return Effect.void
      room = bytesPerTurn
      return Effect.zipRight(EventLoop.nextTurn, updateInTurns(bytes.subarray(slice.byteLength)))
    })
  return { update: updateInTurns, digest: Effect.sync(digest) }
}
