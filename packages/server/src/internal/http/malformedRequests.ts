import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import type { Server, ServerResponse } from "node:http"
import { STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { setImmediate } from "node:timers"
import { codeOf } from "../files/errorCode.js"
import { envelopeOf } from "./rejection.js"
import * as RequestId from "./requestId.js"

interface Rejection {
  readonly status: number
  readonly message: string
}

/** See https://nodejs.org/api/http.html#event-clienterror */
const rejections: Readonly<Record<string, Rejection>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: "The headers of the request are too large" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: "The chunk extensions of the request are too large" },
  HPE_INVALID_EOF_STATE: { status: 400, message: "The connection was closed before the end of the request" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: "The request took too long to arrive" }
}

const malformed: Rejection = { status: 400, message: "The request is not valid HTTP" }

const unsupported: Rejection = { status: 501, message: "The server is no proxy, and does not implement CONNECT" }

const responseOf = ({ message, status }: Rejection, requestId: string): string => {
  const body = JSON.stringify(envelopeOf(message))
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${RequestId.header}: ${requestId}`,
    "",
    body
  ].join("\r\n")
}

/**
 * Responds to malformed requests with the error envelope and an id. Node by itself responds with a bare status.
 */
export const reject = (server: Server): Effect.Effect<void> =>
  Effect.map(Effect.runtime(), (runtime) => {
    /** The open responses of a connection. A client that pipelines its requests has more than one. */
    const responses = new WeakMap<Duplex, Set<ServerResponse>>()
    server.on("request", ({ socket }, response) => {
      const ofSocket = responses.get(socket) ?? new Set()
      responses.set(socket, ofSocket.add(response))
      response.once("close", () => ofSocket.delete(response))
    })
    const respond = (socket: Duplex, rejection: Rejection, reason: string) => {
      const requestId = Runtime.runSync(runtime)(
        Effect.tap(RequestId.random, (requestId) =>
          Effect.annotateLogs(Effect.logDebug("Rejected"), {
            requestId,
            status: rejection.status,
            reason
          }))
      )
      const isResponding = [...responses.get(socket) ?? []].some(({ headersSent }) => headersSent)
      if (socket.writable && !isResponding) socket.end(responseOf(rejection, requestId), () => socket.destroy())
      // The client would take it for a part of the response that has begun. What is written of that response is sent first.
      else setImmediate(() => socket.end(() => socket.destroy()))
    }
    server.on("clientError", (error, socket) => respond(socket, rejections[codeOf(error)] ?? malformed, codeOf(error)))
    // From then on neither Node nor the platform handles the errors of the socket.
    server.on("upgrade", (_, socket) => socket.on("error", () => socket.destroy()))
    server.on("connect", (_, socket) => {
      socket.on("error", () => socket.destroy())
      respond(socket, unsupported, "CONNECT")
    })
  })
