import { randomHexDigits, UploadId } from "@effect-uploads/domain/Ids"
import { fromParseError } from "@effect-uploads/domain/UploadError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ClientOptions } from "../../ClientOptions.js"
import type { DomainError } from "../../ErrorEnvelope.js"
import * as IdempotencyKey from "../../IdempotencyKey.js"
import type { AmbiguousFailure } from "../../ServiceError.js"
import { isAmbiguousFailure, ResponseMalformed } from "../../ServiceError.js"
import type { Attempts, RequestError } from "./attempts.js"
import type { ReceivedResponse } from "./errorResponse.js"
import type { ErrorRules } from "./errorRules.js"
import { countCall } from "./metrics.js"
import { readText } from "./responseBody.js"

type JsonObject = { readonly [key: string]: unknown }

/** Numbers that some services send as strings. */
const numericKeys = ["bytes", "created_at", "expires_at"]

/** The File in a page is at the depth of two. Deeper JSON could exceed the call stack. */
const maximumDepth = 2

/** The object without the keys that are null, and with numbers where it has digits as a string. */
const normalized = (object: JsonObject, depth = 0): JsonObject =>
  Record.filterMap(
    object,
    (value, key) =>
      Option.map(Option.fromNullable(value), (value) =>
        numericKeys.includes(key) && Predicate.isString(value) && /^\d+(?:\.\d+)?$/.test(value)
          ? Number(value)
          : Array.isArray(value)
          ? value.map((item) =>
            normalizedWithin(item, depth)
          )
          : normalizedWithin(value, depth))
  )

const normalizedWithin = (value: unknown, depth: number): unknown =>
  Predicate.isRecord(value) && depth < maximumDepth ? normalized(value, depth + 1) : value

/** The most bytes of a success that are read. A page of 10,000 Files has about 3 MB. */
const maximumSuccessBytes = 16 * 1024 * 1024

/** Decodes the body of a success. */
export type Decoder<A> = (body: string) => Effect.Effect<A, ParseResult.ParseError>

const parseObject = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
)

/**
 * A decoder of JSON. Make it once for an operation, because each one compiles its schema. `complete` adds what a service left
 * out and the request tells. It is tried only where the body cannot be decoded as it is, and numbers may be strings then.
 */
export const jsonDecoder = <A, I>(schema: Schema.Schema<A, I>) => {
  // Compile the decoder lazily, on first use.
  let decode: Decoder<A> | undefined
  return (
    body: string,
    complete: (body: JsonObject) => JsonObject = identity
  ): Effect.Effect<A, ParseResult.ParseError> => {
    const decoded = (decode ??= Schema.decode(Schema.parseJson(schema)))(body)
    return Effect.catchAll(decoded, (error) =>
      Option.match(parseObject(body), {
        onNone: () => Effect.fail(error),
        onSome: (object) => Effect.mapError(Schema.decodeUnknown(schema)(complete(normalized(object))), () => error)
      }))
  }
}

const parseOwnId = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Struct({
    id: UploadId,
    object: Schema.optionalWith(Schema.Literal("upload"), { nullable: true })
  }))
)

const otherObject = /"object"\s*:\s*"(?!upload")/

/**
 * The id of the Upload in the response to `create`. In JSON of another form, or that is cut off, only the one id of a text
 * without other objects is sure to be that of the Upload.
 */
const parseUploadId = (body: string): Option.Option<UploadId> =>
  Option.orElse(Option.map(parseOwnId(body), ({ id }) => id), () => {
    const [id, ...others] = [...body.matchAll(/"id"\s*:\s*"([^"\\]+)"/g)]
    return others.length > 0 || otherObject.test(body) ? Option.none() : Schema.decodeUnknownOption(UploadId)(id?.[1])
  })

/** The request of each attempt. A body with a source, such as a file, is made in the scope of the attempt. */
export type RequestSource<E> =
  | Effect.Effect<HttpClientRequest.HttpClientRequest, E>
  | {
    readonly make: Effect.Effect<HttpClientRequest.HttpClientRequest, E, Scope.Scope>
    /** The error of the body's source, if that is what broke the connection. */
    readonly sourceFailure: Effect.Effect<Option.Option<E>>
  }

/** Sends one request, with retries by the policy, and decodes the response. */
export type Call = <A, E extends DomainError, E1 = never>(operation: {
  readonly name: string
  readonly request: RequestSource<E1>
  readonly success: Decoder<A>
  /** Whether the response has a new Upload. Its id is in the error if the rest cannot be decoded. */
  readonly createsUpload?: boolean
  readonly errorRules: ErrorRules<E>
  /** Decides about an error when an earlier attempt ended in an {@link AmbiguousFailure}: the service may have acted then. */
  readonly afterAmbiguousFailure?: (
    error: E | E1 | RequestError,
    earlier: AmbiguousFailure
  ) => Effect.Effect<A, E | E1 | RequestError>
}) => Effect.Effect<A, E | E1 | RequestError>

export const makeCall = (
  { compressed, execute, failWith, redact, retryTransient, timed, unexpected }: Attempts,
  options: ClientOptions
): Call => {
  /** The key of a call, made up where the caller gave none. */
  const newKey: Effect.Effect<string> = Effect.flatMap(
    IdempotencyKey.IdempotencyKey,
    Option.match({ onNone: () => randomHexDigits, onSome: (key) => Effect.succeed(key) })
  )

  /** Adds the key to a POST. All attempts of the call have the same key. */
  const keyed = () => {
    let key: string | undefined
    return (request: HttpClientRequest.HttpClientRequest) =>
      request.method !== "POST" || options.idempotencyKeys === false
        ? Effect.succeed(request)
        : Effect.map(
          key === undefined ? newKey : Effect.succeed(key),
          (made) => HttpClientRequest.setHeader(request, IdempotencyKey.header, key = made)
        )
  }

  return ({ afterAmbiguousFailure, createsUpload = false, errorRules, name, request, success }) => {
    const unexpectedSuccess = (received: ReceivedResponse, problem: string) => {
      const error = unexpected(received, problem)
      return Option.match(createsUpload ? parseUploadId(received.body) : Option.none(), {
        onNone: () => error,
        onSome: (id) => redact(id) === id ? new ResponseMalformed({ ...error, uploadId: id }) : error
      })
    }
    const decode = (response: HttpClientResponse.HttpClientResponse) =>
      isSuccess(response)
        ? Effect.flatMap(readText(response, maximumSuccessBytes, redact), (received) => {
          const malformed = compressed(response)
          if (Option.isSome(malformed)) return Effect.fail(malformed.value)
          return mayBeJson(received)
            ? Effect.mapError(
              success(received.body),
              (error) => unexpectedSuccess(received, fromParseError(error).message)
            )
            : Effect.fail(unexpectedSuccess(received, `the content type is ${received.headers["content-type"]}`))
        })
        : failWith(errorRules, response)

    return Effect.suspend(() => {
      const withKey = keyed()
      const send = <E, R>(request: Effect.Effect<HttpClientRequest.HttpClientRequest, E, R>) =>
        request.pipe(Effect.flatMap(withKey), Effect.flatMap(execute), Effect.flatMap(decode))
      const attempt = Effect.isEffect(request) ? send(request) : send(request.make).pipe(
        Effect.scoped,
        Effect.catchTag("TransportFailed", (error) =>
          Effect.flatMap(
            request.sourceFailure,
            (failure) => Effect.fail(Option.getOrElse(failure, () => error))
          ))
      )
      let earlier: AmbiguousFailure | undefined
      return timed(attempt).pipe(
        Effect.tapError((error) =>
          Effect.sync(() => {
            if (isAmbiguousFailure(error)) earlier = error
          })
        ),
        retryTransient,
        Effect.catchAll((error) =>
          afterAmbiguousFailure === undefined || earlier === undefined
            ? Effect.fail(error)
            : afterAmbiguousFailure(error, earlier)
        ),
        countCall(name)
      )
    })
  }
}

/** Some services send JSON without a content type, or as plain text. */
const mayBeJson = ({ headers }: ReceivedResponse): boolean =>
  /json|^text\/plain\b|^$/i.test(headers["content-type"] ?? "")

const isSuccess = ({ status }: HttpClientResponse.HttpClientResponse): boolean => status >= 200 && status < 300
