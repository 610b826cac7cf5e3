import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { connect } from "node:net"
import { loopback, url } from "./server.js"

/** The routes on a server of their own. `ended` completes when the handling of a request ends, however it ends. */
export const servedUntil = (ended: Deferred.Deferred<void>) =>
  HttpApiBuilder.serve((app) => Effect.ensuring(app, Deferred.succeed(ended, undefined))).pipe(
    Layer.provide(UploadsRoutes.layer),
    Layer.provideMerge(loopback)
  )

/** Sends a POST request whose body may be shorter than its Content-Length. The caller destroys the socket. */
export const beginPost = (
  path: string,
  headers: { readonly contentType: string; readonly contentLength: number },
  body: Uint8Array
) =>
  Effect.map(url, (apiUrl) => {
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(apiUrl).port) })
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${headers.contentLength}\r\n` +
        `Content-Type: ${headers.contentType}\r\n\r\n`
    )
    socket.write(body)
    return socket
  })
