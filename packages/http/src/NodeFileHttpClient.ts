/**
 * An `HttpClient` for Node that sends a file as its operating system reads it.
 *
 * Any other client sends a part of a file as an Effect stream. This one knows where such a part comes from and pipes the file
 * into the socket, with the same bytes on the wire; all else it sends and receives as the others do.
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
import * as Stream from "effect/Stream"
import type { FileHandle } from "node:fs/promises"
import { open } from "node:fs/promises"
import * as Http from "node:http"
import * as Https from "node:https"
import * as fileBody from "./internal/fileBody.js"
import { PartLengthMismatch, PartUnreadable } from "./PartData.js"

/** As large as the reads that are fastest from a page cache to a socket. */
const readBytes = 1024 * 1024

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

/** An answer as `fetch` would give it. */
const toResponse = (incoming: Http.IncomingMessage): Response => {
  const status = incoming.statusCode ?? 0
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  const body = Stream.toReadableStream(Stream.fromAsyncIterable<Uint8Array, unknown>(incoming, (cause) => cause))
  return new Response([204, 205, 304].includes(status) ? null : body, { status, headers })
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

/** A range of a file that can be read, as its bytes are wanted. */
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
  signal: AbortSignal
): Promise<void> => {
  const size = Math.min(readBytes, file.bytes)
  let [filling, draining] = [new Uint8Array(size), new Uint8Array(size)]
  let sent = 0
  let sending = flushed(outgoing, framing.head)
  while (sent < file.bytes) {
    const length = Math.min(size, file.bytes - sent)
    const [read] = await Promise.all([readAt(handle, filling, length, file.offset + sent), sending])
    if (signal.aborted) return
    if (read === 0) return Promise.reject(new PartLengthMismatch({ declared: file.bytes, actual: sent }))
    sending = flushed(outgoing, filling.subarray(0, read))
    ;[filling, draining] = [draining, filling]
    sent += read
    onBytes(read)
  }
  await sending
  outgoing.end(framing.tail)
}

const sendFile = (
  outgoing: Http.ClientRequest,
  request: HttpClientRequest.HttpClientRequest,
  body: fileBody.FileBody
): Effect.Effect<void, HttpClientError.RequestError> =>
  Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => open(body.file.path), catch: (cause) => new PartUnreadable({ cause }) }),
    (handle) => Effect.tryPromise({ try: (signal) => pump(outgoing, handle, body, signal), catch: (cause) => cause }),
    (handle) => Effect.promise(() => handle.close())
  ).pipe(
    Effect.mapError((cause) => {
      if (cause instanceof PartUnreadable || cause instanceof PartLengthMismatch) body.onFailure(cause)
      return requestError(request, "Transport")(cause)
    })
  )

const write = (outgoing: Http.ClientRequest, bytes: Uint8Array): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (outgoing.write(bytes)) resume(Effect.void)
    else outgoing.once("drain", () => resume(Effect.void))
  })

const send = (
  outgoing: Http.ClientRequest,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<void, HttpClientError.RequestError> => {
  const { body } = request
  const source = fileBody.get(body)
  if (Option.isSome(source)) return sendFile(outgoing, request, source.value)
  switch (body._tag) {
    case "Empty":
      return Effect.sync(() => outgoing.end())
    case "Uint8Array":
      return Effect.sync(() => outgoing.end(body.body))
    case "Stream":
      return Stream.runForEach(body.stream, (bytes) => write(outgoing, bytes)).pipe(
        Effect.mapError(requestError(request, "Encode")),
        Effect.zipRight(Effect.sync(() => outgoing.end()))
      )
    case "Raw":
      return typeof body.body === "string" || body.body instanceof Uint8Array
        ? Effect.sync(() => outgoing.end(body.body))
        : Effect.fail(requestError(request, "Encode")("The Node client sends text, bytes and streams"))
    case "FormData":
      return Effect.tryPromise({
        try: async () => {
          const encoded = new Response(body.formData)
          outgoing.setHeader("content-type", encoded.headers.get("content-type") ?? "multipart/form-data")
          outgoing.end(new Uint8Array(await encoded.arrayBuffer()))
        },
        catch: requestError(request, "Encode")
      })
  }
}

/**
 * The request is sent by a fiber of its own, because a service may answer before it has all of it and read the rest
 * nonetheless. It ends with the request: when all is sent, or when the request is closed.
 */
const exchange = (
  request: HttpClientRequest.HttpClientRequest,
  start: () => Http.ClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> =>
  Effect.gen(function*() {
    const { incoming, outgoing } = yield* Effect.try({
      try: () => begin(start),
      catch: requestError(request, "Transport")
    })
    const sending = yield* Effect.forkDaemon(send(outgoing, request))
    outgoing.once("close", () => sending.unsafeInterruptAsFork(FiberId.none))
    const answer = yield* Effect.raceFirst(
      Effect.mapError(incoming, requestError(request, "Transport")),
      Effect.zipRight(Effect.catchAllCause(Fiber.join(sending), failuresOnly), Effect.never)
    )
    const response = yield* Effect.try({ try: () => toResponse(answer), catch: requestError(request, "Transport") })
    return HttpClientResponse.fromWeb(request, response)
  })

/** That the sending was interrupted is no news to who waits for the answer: the request is closed. */
const failuresOnly = <E>(cause: Cause.Cause<E>): Effect.Effect<void, E> =>
  Cause.isInterruptedOnly(cause) ? Effect.void : Effect.failCause(cause)

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.scoped(
  HttpClient.HttpClient,
  Effect.map(agents, ({ http, https }) =>
    HttpClient.make((request, url, signal) => {
      const options = { method: request.method, headers: request.headers, signal }
      return exchange(request, () =>
        url.protocol === "https:"
          ? Https.request(url, { ...options, agent: https })
          : Http.request(url, { ...options, agent: http }))
    }))
)
