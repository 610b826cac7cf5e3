import * as Headers from "@effect/platform/Headers"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { totalBytes } from "../../ByteLimits.js"
import type { TransportFailed } from "../../ServiceError.js"
import type { Redact } from "../secrets.js"
import { transportFailed } from "./connection.js"
import type { ReceivedResponse } from "./errorResponse.js"

/** The body as a stream. */
export const bytesOf = (
  response: HttpClientResponse.HttpClientResponse,
  redact: Redact
): Stream.Stream<Uint8Array, TransportFailed> =>
  Stream.catchAll(
    response.stream,
    (error) => error.reason === "EmptyBody" ? Stream.empty : Stream.fail(transportFailed(error, redact))
  )

/** The body as text. Reading stops at `maximumBytes`. */
export const readText = (
  response: HttpClientResponse.HttpClientResponse,
  maximumBytes: number,
  redact: Redact
): Effect.Effect<ReceivedResponse, TransportFailed> => {
  // Some clients build the headers again at each access.
  const { headers, status } = response
  return Effect.map(
    isWithin(headers, maximumBytes)
      ? Effect.mapError(response.text, (error) => transportFailed(error, redact))
      : readUpTo(bytesOf(response, redact), maximumBytes),
    // JSON of some services begins with a byte order mark, which `JSON.parse` rejects.
    (body): ReceivedResponse => ({ status, headers, body: body.replace(/^\ufeff/, "") })
  )
}

/** Whether Content-Length is within the limit. HTTP ends the body there. */
const isWithin = (headers: Headers.Headers, maximumBytes: number): boolean =>
  headers["content-encoding"] === undefined && Number(headers["content-length"] ?? Infinity) <= maximumBytes

const readUpTo = <E>(stream: Stream.Stream<Uint8Array, E>, maximumBytes: number): Effect.Effect<string, E> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let body = ""
    let bytes = 0
    return stream.pipe(
      Stream.runForEachWhile((chunk) =>
        Effect.sync(() => {
          body += decoder.decode(chunk, { stream: true })
          bytes += chunk.byteLength
          return bytes < maximumBytes
        })
      ),
      Effect.map(() => body + decoder.decode())
    )
  })

/** What a client received: the platform wraps it, and each change of a client wraps it again. */
const sourceOf = (response: unknown): unknown =>
  Predicate.hasProperty(response, "original")
    ? sourceOf(response.original)
    : Predicate.hasProperty(response, "source")
    ? response.source
    : undefined

const isFetched = (response: HttpClientResponse.HttpClientResponse): boolean => sourceOf(response) instanceof Response

/** A response of undici or of `fetch`. Both have the property `body`, and a response of `node:http` has not. */
const mayBeOfUndici = (response: HttpClientResponse.HttpClientResponse): boolean =>
  Predicate.hasProperty(sourceOf(response), "body")

const notEncoded = /^\s*(?:(?:identity|chunked)\s*,?\s*)*$/i

/** What every `fetch` decodes. One of Node hands on the whole body undecoded where one of its encodings is another. */
const decodedByFetch = /^\s*(?:(?:x-)?gzip|deflate|br)(?:\s*,\s*(?:(?:x-)?gzip|deflate|br))*\s*$/i

/** Browsers ask for encodings by themselves, and decode them. */
const isBrowser = Predicate.hasProperty(globalThis, "document") ||
  Predicate.hasProperty(globalThis, "WorkerGlobalScope")

/**
 * The encoding of a compressed body that its client does not decode. `fetch` decodes, and keeps the header. But `fetch` of Node
 * takes compressed bytes that are cut off for whole ones: JSON tells that it was cut off, and the `content` of a File does not.
 */
export const undecoded = (
  response: HttpClientResponse.HttpClientResponse,
  what: "json" | "content"
): Option.Option<string> => {
  const header = (name: string) => Option.filter(Headers.get(response.headers, name), (text) => !notEncoded.test(text))
  return Option.orElse(
    header("transfer-encoding"),
    () =>
      Option.filter(
        header("content-encoding"),
        (encoding) => !(isFetched(response) && (isBrowser || (what === "json" && decodedByFetch.test(encoding))))
      )
  )
}

/** More than an HTTP client holds between the socket and its reader. */
const readAheadBytes = 1024 * 1024

/**
 * Reads the last bytes of a body ahead of a slow reader. undici before 8, and `fetch` of Node 22 and 24 with it, ends the process
 * with `assert(!this.paused)` when a server closes the connection while the last bytes wait to be read (nodejs/undici issue
 * 5360). Read ahead, they do not wait there. `node:http` needs nothing of it.
 */
export const readAheadAtEnd =
  (response: HttpClientResponse.HttpClientResponse) =>
  <E>(stream: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> => {
    const length = Number(response.headers["content-length"] ?? Infinity)
    if (!Number.isSafeInteger(length) || !mayBeOfUndici(response)) return stream
    return Stream.unwrapScoped(Effect.map(Stream.toPull(stream), (pull) => {
      let received = 0
      const rest = Stream.repeatEffectChunkOption(pull)
      const beginning = Stream.repeatEffectChunkOption(
        Effect.suspend(() =>
          length - received <= readAheadBytes ?
            Effect.fail(Option.none()) :
            Effect.tap(pull, (chunk) =>
              Effect.sync(() => {
                received += totalBytes(chunk)
              }))
        )
      )
      return Stream.concat(beginning, Stream.buffer(rest, { capacity: "unbounded" }))
    }))
  }
