import type { ErrorEnvelope } from "@effect-uploads/http/ErrorEnvelope"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import type { Server, ServerResponse } from "node:http"
import { STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { codeOf } from "../files/errorCode.js"
import * as RequestId from "./requestId.js"

interface Refusal {
  readonly status: number
  readonly message: string
}

/** See https://nodejs.org/api/http.html#event-clienterror */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: "The headers of the request are too large" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: "The chunk extensions of the request are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: "The request took too long to arrive" }
}

const notHttp: Refusal = { status: 400, message: "The request is not one of HTTP" }

const answerOf = ({ message, status }: Refusal, requestId: string): string => {
  const envelope: typeof ErrorEnvelope.Encoded = {
    error: { message, type: "invalid_request_error", param: null, code: null }
  }
  const body = JSON.stringify(envelope)
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
 * What Node refuses before it is a request is answered as any other refusal is: with the envelope and an id. Node by itself
 * answers with a bare status.
 */
export const answer = (server: Server): Effect.Effect<void> =>
  Effect.map(Effect.runtime(), (runtime) => {
    /** What is being answered on a connection: more than one where the client does not wait for the first. */
    const answers = new WeakMap<Duplex, Set<ServerResponse>>()
    server.on("request", ({ socket }, response) => {
      const ofSocket = answers.get(socket) ?? new Set()
      answers.set(socket, ofSocket.add(response))
      response.once("close", () => ofSocket.delete(response))
    })
    server.on("clientError", (error, socket) => {
      const refusal = refusals[codeOf(error)] ?? notHttp
      const requestId = Runtime.runSync(runtime)(
        Effect.tap(RequestId.random, (requestId) =>
          Effect.annotateLogs(Effect.logDebug("Refused"), { requestId, status: refusal.status, reason: codeOf(error) }))
      )
      // In the middle of an answer it would be taken for a part of that one.
      const isAnswering = [...answers.get(socket) ?? []].some(({ headersSent }) =>
        headersSent
      )
      if (socket.writable && !isAnswering) socket.end(answerOf(refusal, requestId), () => socket.destroy())
      else socket.destroy()
    })
    // By then Node listens no more for the errors of the socket, nor does the platform.
    server.on("upgrade", (_, socket) => socket.on("error", () => socket.destroy()))
    // An expectation that is not known may be passed over.
    server.on("checkExpectation", (request, response) => server.emit("request", request, response))
  })
