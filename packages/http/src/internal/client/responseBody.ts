import type * as Headers from "@effect/platform/Headers"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
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
    (body): ReceivedResponse => ({ status, headers, body })
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
