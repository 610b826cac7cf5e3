import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ApiError } from "../../ErrorMapping.js"
import { sanitized } from "../secrets.js"
import { errorReply, fromError, RequestRejected } from "./errorReply.js"

/** A request body that is read at most once. A stream that stops early leaves the rest to the next run. */
export type Body = Stream.Stream<Uint8Array, Error>

/** The media types that a route reads. */
export interface MediaTypes {
  /** Matches a type without its parameters; the empty string where the request names none. */
  readonly pattern: RegExp
  readonly description: string
}

export const form: MediaTypes = { pattern: /^multipart\/form-data$/i, description: "multipart/form-data" }

/** The `Accept` or `Accept-Encoding` header tells a client which of the two was the reason: RFC 9110, 15.5.16. */
const supportHeaders = (param: "content-type" | "content-encoding" | "transfer-encoding", supported: string) => {
  switch (param) {
    case "content-type":
      return { accept: supported }
    case "content-encoding":
      return { "accept-encoding": supported }
    case "transfer-encoding":
      return {}
  }
}

const unsupportedMediaType = (
  param: "content-type" | "content-encoding" | "transfer-encoding",
  value: string,
  supported: string
): RequestRejected => {
  const actual = value === "" ? "missing" : JSON.stringify(value.slice(0, 80))
  return new RequestRejected({
    response: errorReply(415, {
      message: `The ${param} of the request is ${actual}; it must be ${supported}`,
      code: "unsupported_media_type",
      param,
      headers: supportHeaders(param, supported)
    })
  })
}

/** Rejects a body with a media type or an encoding that is not read. */
export const validateHeaders = (
  { headers }: HttpServerRequest.HttpServerRequest,
  { description, pattern }: MediaTypes
): Either.Either<void, RequestRejected> => {
  // The HTTP servers of Node and others remove `chunked` from a body, and no other coding.
  const coding = headers["transfer-encoding"]?.trim() ?? ""
  if (!/^(?:chunked)?$/i.test(coding)) return Either.left(unsupportedMediaType("transfer-encoding", coding, "chunked"))
  const encoding = headers["content-encoding"]?.trim() ?? ""
  if (!/^(?:identity)?$/i.test(encoding)) {
    return Either.left(unsupportedMediaType("content-encoding", encoding, "identity"))
  }
  const [mediaType = ""] = (headers["content-type"] ?? "").split(";")
  return pattern.test(mediaType.trim())
    ? Either.void
    : Either.left(unsupportedMediaType("content-type", mediaType.trim(), description))
}

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

/** Reads a body with `use`. Its error rejects the request; then up to `discardBytes` of the rest of the body are discarded. */
export const read = <A, R>(
  request: HttpServerRequest.HttpServerRequest,
  options: { readonly mediaTypes: MediaTypes; readonly discardBytes: number },
  use: (body: Body) => Effect.Effect<A, ApiError | RequestRejected, R>
): Effect.Effect<A, RequestRejected, R | Scope.Scope> =>
  Effect.gen(function*() {
    const pull = yield* Stream.toPull(Stream.mapError(request.stream, (error) => sanitized(error)))
    const body = Stream.repeatEffectChunkOption(pull)
    return yield* Effect.flatMap(validateHeaders(request, options.mediaTypes), () => use(body)).pipe(
      Effect.mapError((error) =>
        new RequestRejected({ response: discardRest(fromError(error), body, options.discardBytes) })
      )
    )
  })
