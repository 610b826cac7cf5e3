/**
 * The short way from a file to the socket, for Node.
 *
 * Any HTTP client sends a part of a file as an Effect stream. This one knows where such a part comes from, and reads the file
 * into the socket itself, with the same bytes on the wire. All other requests go to the client that it stands before.
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
import * as Option from "effect/Option"
import type { FileHandle } from "node:fs/promises"
import { open } from "node:fs/promises"
import * as Http from "node:http"
import * as Https from "node:https"
import * as fileBody from "./internal/client/fileBody.js"
import { PartLengthMismatch, PartUnreadable } from "./PartData.js"

/** Large reads are fast, and a lane has two of them in memory: of larger ones the memory grows more than the speed. */
const readBytes = 768 * 1024

/** Two buffers for a part; those of a part that was sent serve the next one. */
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

/** The body of an answer, as fast as it is read. */
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

/** An answer as `fetch` would give it. */
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
  /** Ends when the answer begins. */
  readonly incoming: Effect.Effect<Http.IncomingMessage, Error>
}

/** Listens from the first moment and to the last: an error that nobody listens for ends the process. */
const begin = (request: () => Http.ClientRequest): Exchange => {
  const outgoing = request()
  const incoming = new Promise<Http.IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve)
    outgoing.on("error", reject)
  })
  incoming.catch(() => {})
  return { outgoing, incoming: Effect.tryPromise({ try: () => incoming, catch: toError }) }
}

const toError = (cause: unknown): Error => cause instanceof Error ? cause : new Error(String(cause))

/** Resolves once the bytes are out of our hands. */
const flushed = (outgoing: Http.ClientRequest, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    outgoing.write(bytes, (error) => error ? reject(error) : resolve())
  })

/** Tells a file that cannot be read from a socket that cannot be written. */
const readAt = async (handle: FileHandle, buffer: Uint8Array, length: number, position: number): Promise<number> => {
  try {
    return (await handle.read(buffer, 0, length, position)).bytesRead
  } catch (cause) {
    return Promise.reject(new PartUnreadable({ cause }))
  }
}

/**
 * From the file into the socket, at the pace of the socket: one buffer is filled while the other is sent, and both are used
 * over and over.
 */
const pump = async (
  outgoing: Http.ClientRequest,
  handle: FileHandle,
  { file, framing, onBytes }: fileBody.FileBody,
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
    onBytes(read)
  }
  await sending
  // Those of a part that was given up may still be with its socket.
  buffers.give(pair)
  outgoing.end(framing.tail)
}

const sendFile = (
  outgoing: Http.ClientRequest,
  request: HttpClientRequest.HttpClientRequest,
  body: fileBody.FileBody,
  buffers: Buffers
): Effect.Effect<void, HttpClientError.RequestError> =>
  Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => open(body.file.path), catch: (cause) => new PartUnreadable({ cause }) }),
    (handle) =>
      Effect.tryPromise({ try: (signal) => pump(outgoing, handle, body, buffers, signal), catch: (cause) => cause }),
    (handle) => Effect.promise(() => handle.close())
  ).pipe(
    Effect.mapError((cause) => {
      if (cause instanceof PartUnreadable || cause instanceof PartLengthMismatch) body.onFailure(cause)
      return requestError(request, "Transport")(cause)
    })
  )

/**
 * The request is sent by a fiber of its own, because a service may answer before it has all of it and read the rest
 * nonetheless. It ends with the request: when all is sent, or when the request is closed.
 */
const exchange = (
  request: HttpClientRequest.HttpClientRequest,
  body: fileBody.FileBody,
  buffers: Buffers,
  start: () => Http.ClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> =>
  Effect.gen(function*() {
    const { incoming, outgoing } = yield* Effect.try({
      try: () => begin(start),
      catch: requestError(request, "Transport")
    })
    const sending = yield* Effect.forkDaemon(sendFile(outgoing, request, body, buffers))
    outgoing.once("close", () => sending.unsafeInterruptAsFork(FiberId.none))
    const answer = yield* Effect.raceFirst(
      Effect.mapError(incoming, requestError(request, "Transport")),
      Effect.zipRight(Effect.catchAllCause(Fiber.join(sending), failuresOnly), Effect.never)
    )
    // Whoever answers to the end does not want the rest of the request.
    answer.once("end", () => {
      if (!outgoing.writableEnded) outgoing.destroy()
    })
    const response = yield* Effect.try({ try: () => toResponse(answer), catch: requestError(request, "Transport") })
    return HttpClientResponse.fromWeb(request, response)
  })

/** That the sending was interrupted is no news to who waits for the answer: the request is closed. */
const failuresOnly = <E>(cause: Cause.Cause<E>): Effect.Effect<void, E> =>
  Cause.isInterruptedOnly(cause) ? Effect.void : Effect.failCause(cause)

const fileClient = Effect.zipWith(
  agents,
  makeBuffers,
  ({ http, https }, buffers) =>
    HttpClient.make((request, url, signal) =>
      Option.match(fileBody.get(request.body), {
        onNone: () => Effect.fail(requestError(request, "Encode")("not a file")),
        onSome: (body) => {
          const options = { method: request.method, headers: request.headers, signal }
          return exchange(request, body, buffers, () =>
            url.protocol === "https:"
              ? Https.request(url, { ...options, agent: https })
              : Http.request(url, { ...options, agent: http }))
        }
      })
    )
)

/**
 * The `HttpClient` in the context, with the short way for parts of files.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient> = Layer.scoped(
  HttpClient.HttpClient,
  Effect.zipWith(HttpClient.HttpClient, fileClient, (client, fileClient) =>
    HttpClient.transform(
      client,
      (others, request) => Option.isSome(fileBody.get(request.body)) ? fileClient.execute(request) : others
    ))
)
