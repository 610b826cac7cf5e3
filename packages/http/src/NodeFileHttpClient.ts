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
import * as Effect from "effect/Effect"
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

/** Ends when the answer begins. */
const receive = (
  outgoing: Http.ClientRequest,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> =>
  Effect.async<Http.IncomingMessage, HttpClientError.RequestError>((resume) => {
    outgoing.once("response", (incoming) => resume(Effect.succeed(incoming)))
    // Stays until the end: an error that nobody listens for ends the process.
    outgoing.on("error", (cause) => resume(Effect.fail(requestError(request, "Transport")(cause))))
  }).pipe(
    Effect.flatMap((incoming) =>
      Effect.try({ try: () => toResponse(incoming), catch: requestError(request, "Transport") })
    ),
    Effect.map((response) => HttpClientResponse.fromWeb(request, response))
  )

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
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.scoped(
  HttpClient.HttpClient,
  Effect.map(agents, ({ http, https }) =>
    HttpClient.make((request, url, signal) =>
      Effect.try({
        try: () => {
          const options = { method: request.method, headers: request.headers, signal }
          return url.protocol === "https:"
            ? Https.request(url, { ...options, agent: https })
            : Http.request(url, { ...options, agent: http })
        },
        catch: requestError(request, "Transport")
      }).pipe(
        // The answer may come before the request is through: it is the answer all the same.
        Effect.flatMap((outgoing) =>
          Effect.raceFirst(receive(outgoing, request), Effect.zipRight(send(outgoing, request), Effect.never))
        )
      )
    ))
)
