/**
 * The socket: listens, and when it is to stop takes no more connections, but lets the requests under way end.
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
import * as badRequests from "./malformedRequests.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** How long the whole of a request may take to arrive. Then it is answered with 408, and its connection closed. */
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
    yield* badRequests.answer(server)
    return Layer.merge(NodeHttpServer.layer(() => server, { host, port }), Layer.succeed(NodeServer, server))
  }))

/** How often connections are looked for that wait for a request which will not be taken. */
const idleInterval = Duration.millis(100)

/** A function that closes those connections on which nothing was ever sent: to Node they are in the middle of a request. */
const watchSilent = (server: Server) => {
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
 * At its end takes no more connections and waits for the requests under way, at most for `timeout`. Whatever serves has to be
 * below it, so that it still serves these.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDrain = (timeout: Duration.DurationInput): Layer.Layer<never, never, NodeServer> =>
  Layer.scopedDiscard(
    Effect.acquireRelease(
      Effect.map(NodeServer, (server) => ({ server, closeSilent: watchSilent(server) })),
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
                Effect.logWarning("Requests that are not done in time are cut off"),
                Effect.sync(() => server.closeAllConnections())
              )
          }),
          Effect.flatten,
          // Else neither side of the race could end. In a fiber of its own: this one may be interrupted already.
          Effect.interruptible,
          Effect.forkDaemon,
          Effect.flatMap(Fiber.join)
        )
    )
  )
