import { fromParseError, InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { concat } from "../bytes.js"
import * as utf8 from "../utf8.js"
import { errorReply, RequestRejected } from "./errorReply.js"
import * as jsonComplexity from "./jsonComplexity.js"
import * as knownKeys from "./knownKeys.js"
import type { Body, MediaTypes } from "./requestBody.js"
import * as requestBody from "./requestBody.js"

/** The most bytes of a body: enough for tens of thousands of part ids. */
const maximumBytes = 4 * 1024 * 1024

/** The most bytes of a rejected body that are discarded, so that a client that is sending it can read the response. */
const discardBytes = 64 * 1024 * 1024

/** JSON, and the types that `curl -d` and `fetch` give a text by themselves: the API's documentation shows `curl -d`. */
const mediaTypes: MediaTypes = {
  pattern: /^(?:|application\/(?:[\w.-]+\+)?json|application\/x-www-form-urlencoded|text\/plain)$/i,
  description: "application/json"
}

const tooLarge = new RequestRejected({
  response: errorReply(413, {
    message: `The body of the request is too large; it must be JSON of at most ${maximumBytes} bytes`,
    code: "request_too_large"
  })
})

const unreadable = () => new InvalidRequest({ problem: "the body could not be read to its end" })

const collect = (body: Body) =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let total = 0
    return body.pipe(
      Stream.mapError(unreadable),
      Stream.runForEach((bytes): Effect.Effect<void, RequestRejected> => {
        total += bytes.byteLength
        if (total > maximumBytes) return tooLarge
        // Copied: see the rule about chunks in `PartData`.
        chunks.push(new Uint8Array(bytes))
        return Effect.void
      }),
      Effect.map(() => concat(chunks))
    )
  })

/** The bytes of a body. One whose length is known is read at once, or rejected before it arrives. */
const readBytes = (request: HttpServerRequest.HttpServerRequest) => {
  const declared = Option.map(Option.fromNullable(request.headers["content-length"]), Number)
  return Option.exists(declared, (bytes) => bytes <= maximumBytes)
    ? Effect.flatMap(
      requestBody.validateHeaders(request, mediaTypes),
      () => Effect.mapBoth(request.arrayBuffer, { onFailure: unreadable, onSuccess: (bytes) => new Uint8Array(bytes) })
    )
    : requestBody.read(request, { mediaTypes, discardBytes }, Option.isSome(declared) ? () => tooLarge : collect)
}

/**
 * A reader of JSON request bodies.
 *
 * Call it once for each schema: a decoder is compiled for every schema value.
 */
export const make = <A, I>(
  schema: Schema.Schema<A, I>
): (
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<A, InvalidRequest | RequestRejected, Scope.Scope> => {
  const parse = Schema.decode(Schema.parseJson())
  const decode = Schema.decodeUnknown(schema)
  const rejectUnknownKeys = knownKeys.make(schema)
  return (request) =>
    Effect.gen(function*() {
      const bytes = yield* readBytes(request)
      const keys = yield* jsonComplexity.check(bytes)
      const text = yield* Option.match(utf8.decode(bytes), {
        onNone: () => new InvalidRequest({ problem: "the body is not valid UTF-8", limit: "JSON in UTF-8" }),
        onSome: Effect.succeed
      })
      const value = yield* Effect.mapError(parse(text), fromParseError)
      yield* jsonComplexity.checkKeys(value, keys)
      yield* rejectUnknownKeys(value)
      return yield* Effect.mapError(decode(value), fromParseError)
    })
}
