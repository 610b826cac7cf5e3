import { randomHexDigits, UploadId } from "@effect-uploads/domain/Ids"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import { fromParseError } from "@effect-uploads/domain/UploadError"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Record from "effect/Record"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClientOptions } from "../../ClientOptions.js"
import { LocalAttemptTimeout } from "../../ClientOptions.js"
import type { DomainError } from "../../ErrorEnvelope.js"
import type { Bounds } from "../../FileRange.js"
import { slice } from "../../FileRange.js"
import * as IdempotencyKey from "../../IdempotencyKey.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import type { AmbiguousFailure, ServiceError } from "../../ServiceError.js"
import { isAmbiguousFailure, RequestTimeout, ResponseMalformed } from "../../ServiceError.js"
import { redacting } from "../secrets.js"
import { connect } from "./connection.js"
import { withDeadline } from "./deadline.js"
import { decodeError, unexpectedBody } from "./decodeError.js"
import type { ReceivedResponse } from "./errorResponse.js"
import type { ErrorRules } from "./errorRules.js"
import { countCall, countDownload } from "./metrics.js"
import * as rangeResponse from "./rangeResponse.js"
import { followRedirects } from "./redirect.js"
import { bytesOf, readAheadAtEnd, readText, undecoded } from "./responseBody.js"

/** The errors that every request can fail with. */
export type RequestError = InvalidRequest | ServiceError

/** The most bytes of a body that are read. A page of 10,000 Files has about 3 MB; an error response is far below its limit. */
const maximumSuccessBytes = 16 * 1024 * 1024
const maximumErrorBytes = 64 * 1024

/** Decodes the body of a success. */
export type Decoder<A> = (body: string) => Effect.Effect<A, ParseResult.ParseError>

type JsonObject = { readonly [key: string]: unknown }

const parseObject = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
)

/**
 * A decoder of JSON. Make it once for an operation, because each one compiles its schema. `complete` adds what a service left
 * out and the request tells; it is tried only where the body cannot be decoded as it is.
 */
export const jsonDecoder = <A, I>(schema: Schema.Schema<A, I>) => {
  // Compile the decoder lazily, on first use.
  let decode: Decoder<A> | undefined
  return (body: string, complete?: (body: JsonObject) => JsonObject): Effect.Effect<A, ParseResult.ParseError> => {
    const decoded = (decode ??= Schema.decode(Schema.parseJson(schema)))(body)
    return complete === undefined ? decoded : Effect.catchAll(decoded, (error) =>
      Option.match(parseObject(body), {
        onNone: () => Effect.fail(error),
        onSome: (object) => Effect.mapError(Schema.decodeUnknown(schema)(complete(object)), () => error)
      }))
  }
}

const parseUploadId = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Struct({ id: UploadId, object: Schema.optional(Schema.Literal("upload")) }))
)

/** The request of each attempt. A body with a source, such as a file, is made in the scope of the attempt. */
export type RequestSource<E> =
  | Effect.Effect<HttpClientRequest.HttpClientRequest, E>
  | {
    readonly make: Effect.Effect<HttpClientRequest.HttpClientRequest, E, Scope.Scope>
    /** The error of the body's source, if that is what broke the connection. */
    readonly sourceFailure: Effect.Effect<Option.Option<E>>
  }

export interface Client {
  /** Sends one request, with retries by the policy, and decodes the response. */
  readonly call: <A, E extends DomainError, E1 = never>(operation: {
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

  /** Sends one request, with retries until a response begins, and streams the requested range of the body. */
  readonly download: <E extends DomainError>(operation: {
    readonly name: string
    readonly request: Effect.Effect<HttpClientRequest.HttpClientRequest, InvalidRequest>
    readonly range: Either.Either<Bounds, InvalidRequest>
    readonly errorRules: ErrorRules<E>
  }) => Stream.Stream<Uint8Array, E | RequestError>
}

export const make = (options: ClientOptions): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  Effect.zipWith(HttpClient.HttpClient, Effect.context<never>(), (client, context) => {
    const timeout = Duration.decode(options.attemptTimeout ?? Duration.minutes(10))
    const retryPolicy = options.retryPolicy ?? RetryPolicy.standard
    const redact = redacting(options)
    const connection = connect(client, options, redact, context)
    const drain = (response: HttpClientResponse.HttpClientResponse) => readText(response, maximumErrorBytes, redact)
    const execute = followRedirects(connection.execute, drain, redact)
    const executeScoped = followRedirects(connection.executeScoped, drain, redact)

    const failWith = <E extends DomainError>(
      errorRules: ErrorRules<E>,
      response: HttpClientResponse.HttpClientResponse
    ) =>
      Effect.gen(function*() {
        const received = yield* readText(response, maximumErrorBytes, redact)
        return yield* Effect.fail(decodeError(errorRules, redacted(received), yield* DateTime.now))
      })

    /** Applies to errors only: a short key may occur by chance in a body that is used. */
    const redacted = ({ body, headers, status }: ReceivedResponse): ReceivedResponse => ({
      status,
      headers: Headers.fromInput(Record.map(headers, redact)),
      body: redact(body)
    })

    const unexpected = (received: ReceivedResponse, problem: string) =>
      unexpectedBody(redacted(received), redact(problem))

    const timed = <A, E, R>(attempt: Effect.Effect<A, E, R>) =>
      Effect.flatMap(LocalAttemptTimeout, (local) => {
        const duration = Option.getOrElse(local, () => timeout)
        return withDeadline(duration, () => new RequestTimeout({ after: duration }))(attempt)
      })

    /** `Effect.retry` while the error is retryable. It sets up the schedule only for a call that fails. */
    const retryTransient = <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.catchAll(attempt, (error) =>
        Effect.gen(function*() {
          const local = yield* RetryPolicy.LocalRetryPolicy
          const policy = yield* Schedule.driver(
            RetryPolicy.obeyRetryAfter(Option.getOrElse(local, () => retryPolicy))
          )
          const retry = (error: E): Effect.Effect<A, E, R> =>
            RetryPolicy.isRetryable(error)
              ? Effect.matchEffect(policy.next(error), {
                onFailure: () => Effect.fail(error),
                onSuccess: () => Effect.catchAll(attempt, retry)
              })
              : Effect.fail(error)
          return yield* retry(error)
        }))

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

    return {
      call: ({ afterAmbiguousFailure, createsUpload = false, errorRules, name, request, success }) => {
        const unexpectedSuccess = (received: ReceivedResponse, problem: string) => {
          const error = unexpected(received, problem)
          return Option.match(createsUpload ? parseUploadId(received.body) : Option.none(), {
            onNone: () => error,
            onSome: ({ id }) => redact(id) === id ? new ResponseMalformed({ ...error, uploadId: id }) : error
          })
        }
        const decode = (response: HttpClientResponse.HttpClientResponse) =>
          isSuccess(response)
            ? Effect.flatMap(readText(response, maximumSuccessBytes, redact), (received) => {
              const encoding = undecoded(response)
              if (Option.isSome(encoding)) {
                return Effect.fail(unexpected({ ...received, body: "" }, notRequested(encoding.value)))
              }
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
      },

      download: ({ errorRules, name, range, request }) => {
        const attempt = Effect.gen(function*() {
          const bounds = yield* range
          const response = yield* executeScoped(rangeResponse.withRange(yield* request, bounds))
          const located = rangeResponse.locate(response, bounds)
          if (Option.isNone(located)) return yield* failWith(errorRules, response)
          const { headers, status } = response
          const encoding = undecoded(response)
          if (Option.isSome(encoding)) {
            return yield* unexpected({ status, headers, body: "" }, notRequested(encoding.value))
          }
          const within = yield* Either.mapLeft(
            located.value,
            (problem) => unexpected({ status, headers, body: "" }, problem)
          )
          return { response, within }
        })
        return attempt.pipe(
          timed,
          keepOpenOnSuccess,
          retryTransient,
          Effect.map(({ response, within }) =>
            bytesOf(response, redact).pipe(
              Stream.timeoutFail(() => new RequestTimeout({ after: timeout }), timeout),
              readAheadAtEnd(response.headers),
              slice(within)
            )
          ),
          Stream.unwrapScoped,
          countDownload(name)
        )
      }
    }
  })

/** Keeps the connection of a successful attempt open until the outer scope closes, and closes that of a failed one at once. */
const keepOpenOnSuccess = <A, E>(attempt: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const own = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
      return yield* Effect.onError(restore(Scope.extend(attempt, own)), (cause) =>
        Scope.close(own, Exit.failCause(cause)))
    })
  )

const notRequested = (encoding: string) => `the content-encoding ${encoding} was not requested`

/** Some services send JSON without a content type, or as plain text. */
const mayBeJson = ({ headers }: ReceivedResponse): boolean =>
  /json|^text\/plain\b|^$/i.test(headers["content-type"] ?? "")

const isSuccess = ({ status }: HttpClientResponse.HttpClientResponse): boolean => status >= 200 && status < 300
