/**
 * The socket. When the server stops, it accepts no more connections and waits for the running requests.
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type { Server } from "node:http"
import { createServer } from "node:http"
import type { Socket } from "node:net"
import * as connectionLimit from "./connectionLimit.js"
import * as expectations from "./expectations.js"
import * as malformedRequests from "./malformedRequests.js"
import * as unreadBodies from "./unreadBodies.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
  /** The time in which a whole request has to arrive. After it the response is 408, and the connection is closed. */
  readonly requestTimeout: Duration.DurationInput
}

/**
 * @since 0.1.0
 * @category services
 */
export class NodeServer extends Context.Tag("@effect-uploads/server/NodeServer")<NodeServer, Server>() {}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = ({ host, port, requestTimeout }: Options) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const server = createServer({
      requestTimeout: Duration.toMillis(requestTimeout),
      connectionsCheckingInterval: Math.min(Duration.toMillis(requestTimeout), 5000)
    })
    yield* malformedRequests.reject(server)
    yield* expectations.continueOnRead(server)
    yield* connectionLimit.apply(server)
    yield* unreadBodies.limit(server)
    return Layer.merge(NodeHttpServer.layer(() => server, { host, port }), Layer.succeed(NodeServer, server))
  }))

/** The time between two searches for idle connections while the server stops. */
const idleInterval = Duration.millis(100)

/** Returns a function that closes connections without a single byte. Node does not count them as idle. */
const trackSilentConnections = (server: Server) => {
  const sockets = new Set<Socket>()
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

/**
 * When the layer ends, accepts no more connections and waits for the running requests, at most for `timeout`. The layer that
 * serves has to be below it, so that these requests are still served.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDrain = (timeout: Duration.DurationInput): Layer.Layer<never, never, NodeServer> =>
  Layer.scopedDiscard(
    Effect.acquireRelease(
      Effect.map(NodeServer, (server) => ({ server, closeSilent: trackSilentConnections(server) })),
      ({ closeSilent, server }) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
        }).pipe(
          Effect.raceFirst(
            Effect.sync(() => {
              server.closeIdleConnections()
              closeSilent()
            }).pipe(Effect.repeat(Schedule.spaced(idleInterval)))
          ),
          Effect.timeoutTo({
            duration: timeout,
            onSuccess: () => Effect.void,
            onTimeout: () =>
              Effect.zipRight(
                Effect.logWarning("Requests did not end within the shutdown timeout and are aborted"),
                Effect.sync(() => server.closeAllConnections())
              )
          }),
          Effect.flatten,
          // Finalizers are uninterruptible, and a race has to interrupt its loser. The fiber is its own, because this one may be
          // interrupted already.
          Effect.interruptible,
          Effect.forkDaemon,
          Effect.flatMap(Fiber.join)
        )
    )
  )
