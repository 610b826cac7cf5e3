/*
 * The body of a request: bytes that are there, or a source that is written to the socket at the pace of the socket.
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { FileHandle } from "node:fs/promises"
import { open } from "node:fs/promises"
import type * as Http from "node:http"
import { PartLengthMismatch, PartUnreadable } from "../../PartData.js"
import type { FileSource } from "./fileBody.js"
import { isFileBody } from "./fileBody.js"

/** Each part that is being sent has two buffers of this size. Larger ones cost more memory and give little speed. */
const readBytes = 1024 * 1024

type Buffers = readonly [Uint8Array, Uint8Array]

/** Two buffers for each part. The next part uses the buffers of a part that was sent. */
export const makeBufferPool = () => {
  const free: Array<Buffers> = []
  return {
    take: (): Buffers => free.pop() ?? [new Uint8Array(readBytes), new Uint8Array(readBytes)],
    give: (buffers: Buffers) => {
      free.push(buffers)
    }
  }
}

export type BufferPool = ReturnType<typeof makeBufferPool>

/** Writes a body and ends the request. Its error is one of the source: those of the socket are told by the request. */
type Write = (outgoing: Http.ClientRequest) => Effect.Effect<void, HttpClientError.RequestError>

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

/** Copies the range from the file to the socket. One buffer is filled while the other is sent. */
const pump = async (
  outgoing: Http.ClientRequest,
  handle: FileHandle,
  { file, framing, onProgress }: FileSource,
  pool: BufferPool,
  signal: AbortSignal
): Promise<void> => {
  const pair = pool.take()
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
  pool.give(pair)
  outgoing.end(framing.tail)
}

export const requestError =
  (request: HttpClientRequest.HttpClientRequest, reason: "Transport" | "Encode") => (cause: unknown) =>
    new HttpClientError.RequestError({ request, reason, cause })

const writeFile =
  (request: HttpClientRequest.HttpClientRequest, source: FileSource, pool: BufferPool): Write => (outgoing) =>
    Effect.acquireUseRelease(
      Effect.tryPromise({ try: () => open(source.file.path), catch: (cause) => new PartUnreadable({ cause }) }),
      (handle) =>
        Effect.tryPromise({ try: (signal) => pump(outgoing, handle, source, pool, signal), catch: (cause) => cause }),
      (handle) => Effect.promise(() => handle.close())
    ).pipe(
      Effect.catchAll((cause) => {
        if (!(cause instanceof PartUnreadable || cause instanceof PartLengthMismatch)) return Effect.void
        source.onFailure(cause)
        return Effect.fail(requestError(request, "Transport")(cause))
      })
    )

/** Waits for each chunk, because a chunk is valid until the next one is pulled. */
const writeStream =
  (request: HttpClientRequest.HttpClientRequest, stream: Stream.Stream<Uint8Array, unknown>): Write => (outgoing) =>
    stream.pipe(
      Stream.mapError(requestError(request, "Encode")),
      Stream.runForEachWhile((bytes) =>
        Effect.async<boolean>((resume) => {
          outgoing.write(bytes, (error) => resume(Effect.succeed(!error)))
        })
      ),
      Effect.zipRight(Effect.sync(() => {
        outgoing.end()
      }))
    )

const isAsyncIterable = (value: unknown): value is AsyncIterable<Uint8Array> =>
  Predicate.hasProperty(value, Symbol.asyncIterator)

/** A Blob, a stream of Node or of the web. None where the value is something else. */
const streamOf = (value: unknown): Option.Option<Stream.Stream<Uint8Array, unknown>> =>
  value instanceof Blob
    ? streamOf(value.stream())
    : isAsyncIterable(value)
    ? Option.some(Stream.fromAsyncIterable(value, identity))
    : Option.none()

/** A body that is written while the request is under way. */
export interface Source {
  readonly headers: Headers.Headers
  readonly write: Write
}

/** The bytes of a body that is in memory. */
export type Bytes = string | Uint8Array | undefined

export const isSource = (body: Bytes | Source): body is Source => Predicate.hasProperty(body, "write")

/** What is sent. Fails with the reason `Encode` where the body has a form that cannot be sent. */
export const make = (
  request: HttpClientRequest.HttpClientRequest,
  pool: BufferPool
): Either.Either<Bytes | Source, HttpClientError.RequestError> => {
  const { body, headers } = request
  const source = (write: Write): Either.Either<Source> => Either.right({ headers, write })
  switch (body._tag) {
    case "Empty":
      return Either.right(undefined)
    case "Uint8Array":
      return Either.right(body.body)
    case "Stream":
      return source(isFileBody(body) ? writeFile(request, body.source, pool) : writeStream(request, body.stream))
    case "FormData": {
      const encoded = new Response(body.formData)
      return Either.map(
        Either.fromOption(streamOf(encoded.body), () => requestError(request, "Encode")("the form has no body")),
        (stream) => ({
          headers: Headers.setAll(headers, Object.fromEntries(encoded.headers)),
          write: writeStream(request, stream)
        })
      )
    }
    case "Raw":
      if (Predicate.isString(body.body) || body.body instanceof Uint8Array) return Either.right(body.body)
      return Either.flatMap(
        Either.fromOption(streamOf(body.body), () => requestError(request, "Encode")("the body has an unknown form")),
        (stream) => source(writeStream(request, stream))
      )
  }
}
