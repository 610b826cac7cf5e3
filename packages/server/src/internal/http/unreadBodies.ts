import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import type { Server } from "node:http"

/** The time for which the rest of a body is read after the response. A client that is still sending may read the response then. */
const discardTimeout = Duration.seconds(5)

/**
 * Closes the connection of a client that still sends a body after its response. Node reads and discards such a body for as long
 * as a request may take, even for a caller without a key.
 */
export const limit = (server: Server): Effect.Effect<void> =>
  Effect.map(Effect.runtime(), (runtime) => {
    server.on("request", (request, response) => {
      response.once("finish", () => {
        if (request.complete) return
        const close = Effect.sync(() => {
          if (!request.complete) request.socket.destroy()
        })
        Runtime.runFork(runtime)(Effect.delay(close, discardTimeout))
      })
    })
  })
