/**
 * Sends parts of files with half the CPU time, on Node.
 *
 * Every HTTP client sends a range of a file (`PartData.file`) as an Effect stream. {@link layer} wraps an `HttpClient` and
 * recognizes such a body: it reads the file into the socket with two buffers, and sends the same bytes. All other requests go
 * to the wrapped client.
 *
 * A buffer is used again as soon as the socket has taken its bytes: see the rule about chunks in `PartData`.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import type { FileHandle } from "node:fs/promises"
import { open } from "node:fs/promises"
import * as Http from "node:http"
import * as Https from "node:https"
import type * as Net from "node:net"
import type { FileSource } from "./internal/client/fileBody.js"
import { isFileBody } from "./internal/client/fileBody.js"
import { PartLengthMismatch, PartUnreadable } from "./PartData.js"

/** Each part that is being sent has two buffers of this size. Larger ones cost more memory and give little speed. */
const readBytes = 768 * 1024

/** Two buffers for each part. The next part uses the buffers of a part that was sent. */
const makeBuffers = Effect.sync(() => {
  const free: Array<readonly [Uint8Array, Uint8Array]> = []
  return {
    take: () => free.pop() ?? [new Uint8Array(readBytes), new Uint8Array(readBytes)] as const,
    give: (buffers: readonly [Uint8Array, Uint8Array]) => {
      free.push(buffers)
    }
  }
})

type Buffers = Effect.Effect.Success<typeof makeBuffers>

const agents = Effect.acquireRelease(
  Effect.sync(() => ({
    http: new Http.Agent({ keepAlive: true }),
    https: new Https.Agent({ keepAlive: true })
  })),
  ({ http, https }) =>
    Effect.sync(() => {
      http.destroy()
      https.destroy()
    })
)

const requestError =
  (request: HttpClientRequest.HttpClientRequest, reason: "Transport" | "Encode") => (cause: unknown) =>
    new HttpClientError.RequestError({ request, reason, cause })

/** The body of a response, read at the pace of its reader. */
const toReadableStream = (incoming: Http.IncomingMessage): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => {
      incoming.on("data", (chunk: Uint8Array) => {
        controller.enqueue(chunk)
        if ((controller.desiredSize ?? 0) <= 0) incoming.pause()
      })
      incoming.on("end", () => controller.close())
      incoming.on("error", (error) => controller.error(error))
    },
    pull: () => {
      incoming.resume()
    },
    cancel: () => {
      incoming.destroy()
    }
  })

/** The response in the form that `fetch` returns. */
const toResponse = (incoming: Http.IncomingMessage): Response => {
  const status = incoming.statusCode ?? 0
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  const bodiless = [204, 205, 304].includes(status)
  return new Response(bodiless ? null : toReadableStream(incoming), { status, headers })
}

interface Exchange {
  readonly outgoing: Http.ClientRequest
  /** Completes when the response begins. */
  readonly incoming: Effect.Effect<Http.IncomingMessage, Error>
}

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
  const withoutError = (callback: (error?: Error | null) => void) => (error?: Error | null) =>
    error ? void socket.setTimeout(responseGrace, () => socket.destroy(error)) : callback()
  socket._write = (chunk, encoding, callback) => write(chunk, encoding, withoutError(callback))
  if (writev !== undefined) socket._writev = (chunks, callback) => writev(chunks, withoutError(callback))
}

/** Starts a request with an `error` listener that stays: an `error` event without a listener ends the process. */
const begin = (request: () => Http.ClientRequest): Exchange => {
  const outgoing = request()
  outgoing.once("socket", (socket) => {
    if (!outgoing.reusedSocket) readAfterWriteError(socket)
  })
  const incoming = new Promise<Http.IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve)
    outgoing.on("error", reject)
    outgoing.once("close", () => reject(new Error("the connection was closed without a response")))
  })
  incoming.catch(() => {})
  return { outgoing, incoming: Effect.tryPromise({ try: () => incoming, catch: toError }) }
}

const toError = (cause: unknown): Error => cause instanceof Error ? cause : new Error(String(cause))

/** Resolves when the socket has taken the bytes, so that their buffer can be used again. */
const flushed = (outgoing: Http.ClientRequest, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    outgoing.write(bytes, (error) => error ? reject(error) : resolve())
  })

/** Reads from the file. A `PartUnreadable` tells its errors from those of the socket. */
const readAt = async (handle: FileHandle, buffer: Uint8Array, length: number, position: number): Promise<number> => {
  try {
    return (await handle.read(buffer, 0, length, position)).bytesRead
  } catch (cause) {
    return Promise.reject(new PartUnreadable({ cause }))
  }
}

/**
 * Copies the range from the file to the socket, at the pace of the socket. One buffer is filled while the other is sent.
 */
const pump = async (
  outgoing: Http.ClientRequest,
  handle: FileHandle,
  { file, framing, onProgress }: FileSource,
  buffers: Buffers,
  signal: AbortSignal
): Promise<void> => {
  const pair = buffers.take()
  let [filling, draining] = pair
  let sent = 0
  let sending = flushed(outgoing, framing.head)
  while (sent < file.bytes) {
    const length = Math.min(readBytes, file.bytes - sent)
    const [read] = await Promise.all([readAt(handle, filling, length, file.offset + sent), sending])
    if (signal.aborted) return
    if (read === 0) return Promise.reject(new PartLengthMismatch({ declared: file.bytes, actual: sent }))
    sending = flushed(outgoing, filling.subarray(0, read))
    ;[filling, draining] = [draining, filling]
    sent += read
    onProgress(read)
  }
  await sending
  // Not after a failure: the socket of an aborted request may still read from the buffers.
  buffers.give(pair)
  outgoing.end(framing.tail)
}

const sendFile = (
  outgoing: Http.ClientRequest,
  request: HttpClientRequest.HttpClientRequest,
  source: FileSource,
  buffers: Buffers
): Effect.Effect<void, HttpClientError.RequestError> =>
  Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => open(source.file.path), catch: (cause) => new PartUnreadable({ cause }) }),
    (handle) =>
      Effect.tryPromise({ try: (signal) => pump(outgoing, handle, source, buffers, signal), catch: (cause) => cause }),
    (handle) => Effect.promise(() => handle.close())
  ).pipe(
    Effect.catchAll((cause) => {
      // An error of the socket is left to the request: the response may have arrived before it.
      if (!(cause instanceof PartUnreadable || cause instanceof PartLengthMismatch)) return Effect.void
      source.onFailure(cause)
      return Effect.fail(requestError(request, "Transport")(cause))
    })
  )

/**
 * Sends the request in a fiber of its own, because a service may respond before it has read all of the request, and read the
 * rest nonetheless. That fiber ends when all is sent, or when the request is closed.
 */
const exchange = (
  request: HttpClientRequest.HttpClientRequest,
  source: FileSource,
  buffers: Buffers,
  start: () => Http.ClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> =>
  Effect.gen(function*() {
    const { incoming, outgoing } = yield* Effect.try({
      try: () => begin(start),
      catch: requestError(request, "Transport")
    })
    const sending = yield* Effect.forkDaemon(sendFile(outgoing, request, source, buffers))
    outgoing.once("close", () => sending.unsafeInterruptAsFork(FiberId.none))
    const incomingMessage = yield* Effect.raceFirst(
      Effect.mapError(incoming, requestError(request, "Transport")),
      Effect.zipRight(Effect.catchAllCause(Fiber.join(sending), failuresOnly), Effect.never)
    )
    // A service whose response has ended does not read the rest of the request.
    incomingMessage.once("end", () => {
      if (!outgoing.writableEnded) outgoing.destroy()
    })
    const response = yield* Effect.try({
      try: () => toResponse(incomingMessage),
      catch: requestError(request, "Transport")
    })
    return HttpClientResponse.fromWeb(request, response)
  })

/** Hides an interruption of the sending fiber: it means that the request is closed, which the response tells by itself. */
const failuresOnly = <E>(cause: Cause.Cause<E>): Effect.Effect<void, E> =>
  Cause.isInterruptedOnly(cause) ? Effect.void : Effect.failCause(cause)

const fileClient = Effect.zipWith(
  agents,
  makeBuffers,
  ({ http, https }, buffers) =>
    HttpClient.make((request, url, signal) =>
      isFileBody(request.body)
        ? exchange(request, request.body.source, buffers, () => {
          const options = { method: request.method, headers: request.headers, signal }
          return url.protocol === "https:"
            ? Https.request(url, { ...options, agent: https })
            : Http.request(url, { ...options, agent: http })
        })
        : Effect.fail(requestError(request, "Encode")("not a file"))
    )
)

/**
 * Wraps the `HttpClient` in the context, and sends parts of files itself.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as NodeFileHttpClient from "@effect-uploads/http/NodeFileHttpClient"
 * import * as UploadsClient from "@effect-uploads/http/UploadsClient"
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * export const service = UploadsClient.layerConfig().pipe(
 *   Layer.provide(NodeFileHttpClient.layer),
 *   Layer.provide(NodeHttpClient.layerUndici)
 * )
 * ```
 */
export const layer: Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient> = Layer.scoped(
  HttpClient.HttpClient,
  Effect.zipWith(HttpClient.HttpClient, fileClient, (wrapped, fileClient) =>
    HttpClient.transform(
      wrapped,
      (response, request) => isFileBody(request.body) ? fileClient.execute(request) : response
    ))
)
