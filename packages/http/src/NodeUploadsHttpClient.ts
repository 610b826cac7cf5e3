/**
 * The `HttpClient` for Node: one client for small calls, downloads and parts of files.
 *
 * - It is `node:http` and `node:https` with connections that are kept open and shared.
 * - A range of a file (`PartData.file`) is read into the socket with two buffers. Every other HTTP client sends it as an Effect
 *   stream, which takes twice the CPU time.
 * - An error response that arrives before the request is sent is received, even if the service closes the connection.
 *
 * A buffer is used again as soon as the socket has taken its bytes: see the rule about chunks in `PartData`.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Https from "node:https"
import type * as Net from "node:net"
import * as requestBody from "./internal/client/NodeRequestBody.js"
import { NodeResponse } from "./internal/client/NodeResponse.js"
import * as responseBody from "./internal/client/NodeResponseBody.js"

/** A connection without a request is closed after this time, in milliseconds: before most services close it. */
const idleMillis = 4000

const agents = Effect.acquireRelease(
  Effect.sync(() => {
    const options = { keepAlive: true, timeout: idleMillis }
    return { http: new Http.Agent(options), https: new Https.Agent(options) }
  }),
  ({ http, https }) =>
    Effect.sync(() => {
      http.destroy()
      https.destroy()
    })
)

/** The service closed the connection while it was idle, and the request was sent to it before that was known. */
class StaleConnection extends Data.TaggedError("StaleConnection")<{ readonly cause: Error }> {}

const isReset = (error: Error): boolean =>
  Predicate.hasProperty(error, "code") && (error.code === "ECONNRESET" || error.code === "EPIPE")

/** The longest silence on a connection that cannot be written any more, in milliseconds. */
const responseGrace = 1000

/**
 * A service may reject a request before it has read all of it, and close the connection. The next write then fails, and Node
 * destroys the socket without reading the response that has arrived. Here a failed write does not end instead: the socket is
 * read on until the service closes it, or until nothing arrives for {@link responseGrace}.
 */
const readAfterWriteError = (socket: Net.Socket): void => {
  const write = socket._write.bind(socket)
  const writev = socket._writev?.bind(socket)
  const withoutError = (callback: (error?: Error | null) => void) => (error?: Error | null) => {
    if (!error || socket.readableEnded) return callback(error)
    socket.once("end", () => callback(error))
    socket.setTimeout(responseGrace, () => socket.destroy(error))
  }
  socket._write = (chunk, encoding, callback) => write(chunk, encoding, withoutError(callback))
  if (writev !== undefined) socket._writev = (chunks, callback) => writev(chunks, withoutError(callback))
}

/** The response of a request that was begun. The request is destroyed where this effect is interrupted. */
const responseTo = (
  outgoing: Http.ClientRequest,
  request: HttpClientRequest.HttpClientRequest,
  signal: AbortSignal
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError | StaleConnection> =>
  Effect.async((resume) => {
    let responded = false
    const failed = (cause: Error, stale: boolean) => {
      if (responded) return
      resume(
        Effect.fail(stale ? new StaleConnection({ cause }) : requestBody.requestError(request, "Transport")(cause))
      )
    }
    // Both listeners stay: an `error` event without one ends the process.
    outgoing.on("error", (error) => failed(error, outgoing.reusedSocket && isReset(error)))
    outgoing.once("close", () => failed(new Error("the connection was closed without a response"), false))
    outgoing.once("response", (incoming) => {
      responded = true
      // A service whose response has ended does not read the rest of the request.
      incoming.once("end", () => {
        if (!outgoing.writableEnded) outgoing.destroy()
      })
      if (request.method === "HEAD" || responseBody.isSmall(incoming)) {
        responseBody.whenReceived(incoming, (bytes) =>
          resume(
            bytes instanceof Error
              ? Effect.fail(requestBody.requestError(request, "Transport")(bytes))
              : Effect.succeed(new NodeResponse(request, incoming, responseBody.received(bytes)))
          ))
      } else {
        signal.addEventListener("abort", () => incoming.destroy(), { once: true })
        resume(Effect.succeed(new NodeResponse(request, incoming, responseBody.arriving(incoming))))
      }
    })
    return Effect.sync(() => outgoing.destroy())
  })

/**
 * Writes the body in a fiber of its own, because a service may respond before it has read all of the request, and read the rest
 * nonetheless. That fiber ends when all is sent, or when the request is closed.
 */
const exchange = <A, E>(
  outgoing: Http.ClientRequest,
  { write }: requestBody.Source,
  response: Effect.Effect<A, E>
): Effect.Effect<A, E | HttpClientError.RequestError> =>
  Effect.gen(function*() {
    const writing = yield* Effect.forkDaemon(write(outgoing))
    outgoing.once("close", () => writing.unsafeInterruptAsFork(FiberId.none))
    return yield* Effect.raceFirst(
      response,
      Effect.zipRight(Effect.catchAllCause(Fiber.join(writing), failuresOnly), Effect.never)
    )
  })

/** Hides an interruption of the writing fiber: it means that the request is closed, which the response tells by itself. */
const failuresOnly = <E>(cause: Cause.Cause<E>): Effect.Effect<void, E> =>
  Cause.isInterruptedOnly(cause) ? Effect.void : Effect.failCause(cause)

/** Whether the service may receive the request twice. */
const isRepeatable = ({ headers, method }: HttpClientRequest.HttpClientRequest): boolean =>
  method !== "POST" && method !== "PATCH" || headers["idempotency-key"] !== undefined

/**
 * A client of `node:http` and `node:https`. Its connections close with the scope.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
 * import * as Effect from "effect/Effect"
 *
 * export const status = NodeUploadsHttpClient.make.pipe(
 *   Effect.flatMap((client) => client.get("http://127.0.0.1:4141/health")),
 *   Effect.map(({ status }) => status),
 *   Effect.scoped
 * )
 * ```
 */
export const make: Effect.Effect<HttpClient.HttpClient, never, Scope.Scope> = Effect.map(agents, ({ http, https }) => {
  const pool = requestBody.makeBufferPool()
  return HttpClient.make((request, url, signal) =>
    Effect.flatMap(requestBody.make(request, pool), (content) => {
      const { headers } = requestBody.isSource(content) ? content : request
      /** `agent: false` gives a connection of its own. */
      const attempt = (agent?: false) =>
        Effect.flatMap(
          Effect.try({
            try: () => {
              const options = { method: request.method, headers }
              const outgoing = url.protocol === "https:"
                ? Https.request(url, { ...options, agent: agent ?? https })
                : Http.request(url, { ...options, agent: agent ?? http })
              outgoing.once("socket", (socket) => {
                if (!outgoing.reusedSocket) readAfterWriteError(socket)
              })
              if (!requestBody.isSource(content)) outgoing.end(content)
              return outgoing
            },
            catch: requestBody.requestError(request, "Transport")
          }),
          (outgoing) => {
            const response = responseTo(outgoing, request, signal)
            return requestBody.isSource(content)
              ? Effect.onError(exchange(outgoing, content, response), () => Effect.sync(() => outgoing.destroy()))
              : response
          }
        )
      return Effect.catchTag(attempt(), "StaleConnection", (stale) => {
        const failed = Effect.fail(requestBody.requestError(request, "Transport")(stale.cause))
        return requestBody.isSource(content) || !isRepeatable(request)
          ? failed
          : Effect.catchTag(attempt(false), "StaleConnection", () => failed)
      })
    })
  )
})

/**
 * The `HttpClient` of a program on Node.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
 * import * as UploadsClient from "@effect-uploads/http/UploadsClient"
 * import * as Layer from "effect/Layer"
 *
 * export const service = Layer.provide(UploadsClient.layerConfig(), NodeUploadsHttpClient.layer)
 * ```
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.scoped(HttpClient.HttpClient, make)
