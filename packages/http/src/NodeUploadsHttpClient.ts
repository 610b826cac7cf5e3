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
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
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

type Response = HttpClientResponse.HttpClientResponse

/** Hands on a response whose body is still to come, and closes its connection when nobody will read it. */
type Hold = (response: NodeResponse) => Effect.Effect<Response, HttpClientError.HttpClientError>

type Result = Effect.Effect<Response, HttpClientError.HttpClientError | StaleConnection>

/** Calls back with the response of a request that was begun, or with its error. */
const whenResponded = (
  outgoing: Http.ClientRequest,
  request: HttpClientRequest.HttpClientRequest,
  hold: Hold,
  callback: (result: Result) => void
): void => {
  const failed = requestBody.requestError(request, "Transport")
  let responded = false
  // Both listeners stay: an `error` event without one ends the process.
  outgoing.on("error", (cause) => {
    if (responded) return
    callback(Effect.fail(outgoing.reusedSocket && isReset(cause) ? new StaleConnection({ cause }) : failed(cause)))
  })
  // The event follows every response, so the error is made only where it is one.
  outgoing.on("close", () => {
    if (!responded) callback(Effect.fail(failed(new Error("the connection was closed without a response"))))
  })
  outgoing.on("response", (incoming) => {
    responded = true
    // A service whose response has ended does not read the rest of the request.
    if (!outgoing.writableEnded) {
      incoming.on("end", () => {
        if (!outgoing.writableEnded) outgoing.destroy()
      })
    }
    if (request.method === "HEAD" || responseBody.isSmall(incoming)) {
      responseBody.whenReceived(incoming, (bytes) =>
        callback(
          bytes instanceof Error
            ? Effect.fail(failed(bytes))
            : Effect.succeed(new NodeResponse(request, incoming, responseBody.received(bytes)))
        ))
    } else {
      callback(hold(new NodeResponse(request, incoming, responseBody.arriving(incoming))))
    }
  })
}

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

/** The user and the password of a URL in the form of `node:http`. */
const credentials = ({ password, username }: URL): string | null =>
  username === "" && password === "" ? null : decodeURIComponent(`${username}:${password}`)

const isTraced = (
  fiber: Fiber.RuntimeFiber<unknown, unknown>,
  request: HttpClientRequest.HttpClientRequest
): boolean =>
  fiber.getFiberRef(FiberRef.currentTracerEnabled) && !fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)(request)

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

  const send = (request: HttpClientRequest.HttpClientRequest, url: URL, hold: Hold) =>
    Effect.flatMap(requestBody.make(request, pool), (content) => {
      const { headers } = requestBody.isSource(content) ? content : request
      const begin = (ownConnection: boolean) =>
        Either.try({
          try: () => {
            const secure = url.protocol === "https:"
            // Node's own conversion of a URL copies all of it, and costs more than a tenth of a small request.
            const outgoing = (secure ? Https : Http).request({
              hostname: url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname,
              port: url.port,
              path: url.pathname + url.search,
              auth: credentials(url),
              method: request.method,
              headers,
              agent: ownConnection ? false : secure ? https : http
            })
            outgoing.on("socket", (socket) => {
              if (!outgoing.reusedSocket) readAfterWriteError(socket)
            })
            if (!requestBody.isSource(content)) outgoing.end(content)
            return outgoing
          },
          catch: requestBody.requestError(request, "Transport")
        })
      /** Begins and listens in one step: a request that is begun and not listened to could end the process. */
      const attempt = (ownConnection: boolean): Result =>
        requestBody.isSource(content)
          ? Effect.acquireUseRelease(
            Effect.flatMap(Deferred.make<Response, HttpClientError.HttpClientError | StaleConnection>(), (response) =>
              Either.map(begin(ownConnection), (outgoing) => {
                whenResponded(outgoing, request, hold, (result) =>
                  Deferred.unsafeDone(response, result))
                return { outgoing, response }
              })),
            ({ outgoing, response }) =>
              exchange(outgoing, content, Deferred.await(response)),
            ({ outgoing }, exit) => Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => outgoing.destroy())
          )
          : Effect.async((resume) => {
            const begun = begin(ownConnection)
            if (Either.isLeft(begun)) return resume(Effect.fail(begun.left))
            whenResponded(begun.right, request, hold, resume)
            return Effect.sync(() => begun.right.destroy())
          })
      return Effect.catchTag(attempt(false), "StaleConnection", (stale) => {
        const failed = Effect.fail(requestBody.requestError(request, "Transport")(stale.cause))
        return requestBody.isSource(content) || !isRepeatable(request)
          ? failed
          : Effect.catchTag(attempt(true), "StaleConnection", () => failed)
      })
    })

  const holdUntil = (signal: AbortSignal): Hold => (response) =>
    Effect.sync(() => {
      signal.addEventListener("abort", () => response.close(), { once: true })
      return response
    })

  /** `HttpClient.make` has the span, and aborts its signal when the scope of the request closes or the response is forgotten. */
  const traced = HttpClient.make((request, url, signal) => send(request, url, holdUntil(signal)))

  /** Without a span, only a response that is still arriving needs the signal of `HttpClient.make`. */
  const untraced = (request: HttpClientRequest.HttpClientRequest) =>
    Either.match(UrlParams.makeUrl(request.url, request.urlParams, request.hash), {
      onLeft: (cause) => Effect.fail(new HttpClientError.RequestError({ request, reason: "InvalidUrl", cause })),
      onRight: (url) =>
        send(
          request,
          url,
          (response) => HttpClient.make((_, __, signal) => holdUntil(signal)(response)).execute(request)
        )
    })

  const execute = (request: HttpClientRequest.HttpClientRequest) =>
    Effect.withFiberRuntime<Response, HttpClientError.HttpClientError>((fiber) =>
      isTraced(fiber, request) ? traced.execute(request) : untraced(request)
    )
  return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap(execute),
    Effect.succeed
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
