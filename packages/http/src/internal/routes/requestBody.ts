import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ApiError } from "../../ErrorMapping.js"
import { sanitized } from "../secrets.js"
import { fromError } from "./errorReply.js"

/** A request body that is read at most once. A stream that stops early leaves the rest to the next run. */
export type Body = Stream.Stream<Uint8Array, Error>

/** Opens the body of a request for the scope. */
export const open = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Body, never, Scope.Scope> =>
  Effect.map(
    Stream.toPull(Stream.mapError(request.stream, (error) => sanitized(error))),
    Stream.repeatEffectChunkOption
  )

/** How long the rest of a rejected body is read. */
const discardTimeout = Duration.seconds(5)

/**
 * Sends a response at once, then reads and discards the rest of the body. A server that stops reading closes the connection,
 * and a client that is still sending would never read the response.
 *
 * A client may send slowly or without end, so at most `maximumBytes` are read, for at most {@link discardTimeout}. The
 * connection is closed then, so `Connection: close` tells the client not to reuse it.
 */
const discardRest = (
  response: HttpServerResponse.HttpServerResponse,
  rest: Body,
  maximumBytes: number
): HttpServerResponse.HttpServerResponse => {
  if (response.body._tag !== "Uint8Array") return response
  const { body, contentLength, contentType } = response.body
  const discarded = rest.pipe(
    Stream.mapAccum(0, (total, bytes) => [total + bytes.byteLength, total + bytes.byteLength]),
    Stream.takeUntil((total) => total > maximumBytes),
    Stream.runDrain,
    Effect.ignore,
    Effect.timeoutOption(discardTimeout)
  )
  return HttpServerResponse.stream(Stream.concat(Stream.make(body), Stream.execute(discarded)), {
    status: response.status,
    headers: { ...response.headers, connection: "close" },
    contentType,
    contentLength
  })
}

/** Responds to an error that occurred while the body was being read, and discards up to `maximumBytes` of the rest. */
export const withErrorReplies = (body: Body, maximumBytes: number) =>
<A, R>(
  effect: Effect.Effect<A, ApiError, R>
): Effect.Effect<A | HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.catchAll(effect, (error) => Effect.succeed(discardRest(fromError(error), body, maximumBytes)))
