import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import * as Http from "node:http"
import * as Net from "node:net"

/** Every documented client. */
export const httpClients = {
  "fetch": FetchHttpClient.layer,
  "undici": NodeHttpClient.layerUndici,
  "NodeHttpClient": NodeHttpClient.layer,
  "NodeUploadsHttpClient": NodeUploadsHttpClient.layer
}

export const listening = (server: Net.Server, host = "127.0.0.1") =>
  Effect.acquireRelease(
    Effect.async<Net.Server>((resume) => {
      server.listen(0, host, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  ).pipe(Effect.map((server) => {
    const address = server.address()
    return `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`
  }))

export interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/** A server that reads each request to its end, and the requests that it received. */
export const serve = (respond: (request: Received, response: Http.ServerResponse) => void) =>
  Effect.gen(function*() {
    const received: Array<Received> = []
    const server = Http.createServer((request, response) => {
      let body = ""
      request.on("data", (chunk) => {
        body += String(chunk)
      })
      request.on("end", () => {
        const { headers, method, url } = request
        received.push({ method, url, headers, body })
        respond({ method, url, headers, body }, response)
      })
    })
    const url = yield* listening(server)
    yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
    return { url, received }
  })

/** A server of bytes: `respond` is called when the first bytes of a request arrive. */
export const serveBytes = (respond: (socket: Net.Socket) => void) =>
  listening(Net.createServer((socket) => {
    socket.on("error", () => {})
    socket.once("data", () => respond(socket))
  }))

/** So many turns of the event loop. */
export const turns = (count: number): Effect.Effect<void> =>
  Effect.repeatN(
    Effect.async<void>((resume) => {
      setImmediate(() => resume(Effect.void))
    }),
    count
  )
