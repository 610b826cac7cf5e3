import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import { fromParseError } from "@effect-uploads/domain/UploadError"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClientOptions } from "../../ClientOptions.js"
import type { DomainError } from "../../ErrorEnvelope.js"
import * as ErrorMapping from "../../ErrorMapping.js"
import type { Bounds } from "../../FileRange.js"
import { slice } from "../../FileRange.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import type { ServiceError } from "../../ServiceError.js"
import { RequestTimeout, ServiceUnavailable, TransportFailed } from "../../ServiceError.js"
import { redacting } from "../secrets.js"
import { connect } from "./connection.js"
import type { Reply } from "./errorResponse.js"
import type { ErrorRules } from "./errorRules.js"
import { countCall, countDownload } from "./metrics.js"
import * as rangeAnswer from "./rangeResponse.js"
import { bytesOf, read } from "./responseBody.js"

/** What can go wrong with any request. */
export type RequestError = InvalidRequest | ServiceError

/** The most bytes of an answer that are read: a page of 10,000 Files has some 3 MB, an error has none. */
const maximumSuccessBytes = 16 * 1024 * 1024
const maximumRefusalBytes = 64 * 1024

/** How the body of an answer is read. */
export type Answer<A> = (body: string) => Effect.Effect<A, ParseResult.ParseError>

/** An answer in JSON; to be made once for an operation, not for each call of it. */
export const answer = <A, I>(schema: Schema.Schema<A, I>): Answer<A> => {
  // What is never called is never compiled.
  let decode: Answer<A> | undefined
  return (body) => (decode ??= Schema.decode(Schema.parseJson(schema)))(body)
}

/** Failures after which it is not known whether the service acted. */
export type AmbiguousFailure = TransportFailed | RequestTimeout | ServiceUnavailable

const UnheardError = Schema.Union(TransportFailed, RequestTimeout, ServiceUnavailable)

const isUnheard = (u: unknown): u is AmbiguousFailure => Schema.is(UnheardError)(u)

export interface Client {
  /** One request, sent again as the policy allows, and its answer as a value. */
  readonly call: <A, E extends DomainError, E1 = never>(operation: {
    readonly name: string
    /** Made anew for each attempt, whose scope it is. */
    readonly request: Effect.Effect<HttpClientRequest.HttpClientRequest, E1, Scope.Scope>
    /** What broke the connection, if it was the source of the body. */
    readonly sourceFailure?: Effect.Effect<Option.Option<E1>>
    readonly success: Answer<A>
    readonly reading: ErrorRules<E>
    /** What an error means when the service may have acted on an earlier attempt, whose answer was lost. */
    readonly afterUnheard?: (
      error: E | E1 | RequestError,
      earlier: AmbiguousFailure
    ) => Effect.Effect<A, E | E1 | RequestError>
  }) => Effect.Effect<A, E | E1 | RequestError>

  /** One request, sent again until its answer begins, and as much of its body as is asked for, as it arrives. */
  readonly download: <E extends DomainError>(operation: {
    readonly name: string
    readonly request: Effect.Effect<HttpClientRequest.HttpClientRequest, InvalidRequest>
    readonly range: Either.Either<Bounds, InvalidRequest>
    readonly reading: ErrorRules<E>
  }) => Stream.Stream<Uint8Array, E | RequestError>
}

export const make = (options: ClientOptions): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) => {
    const timeout = Duration.decode(options.attemptTimeout ?? Duration.minutes(10))
    const retryPolicy = options.retryPolicy ?? RetryPolicy.standard
    const redact = redacting(options)
    const { execute, executeScoped } = connect(client, options, redact)

    const refused = <E extends DomainError>(reading: ErrorRules<E>, response: HttpClientResponse.HttpClientResponse) =>
      Effect.gen(function*() {
        const reply = yield* read(response, maximumRefusalBytes, redact)
        return yield* Effect.fail(ErrorMapping.fromReply(reading, redacted(reply), yield* DateTime.now))
      })

    /** Only what becomes part of an error: a short key may well occur in an answer that is to be used. */
    const redacted = (reply: Reply): Reply => ({ ...reply, body: redact(reply.body) })

    const unexpected = (reply: Reply, problem: string) => ErrorMapping.unexpectedBody(redacted(reply), redact(problem))

    const timed = Effect.timeoutFail({
      duration: timeout,
      onTimeout: () => new RequestTimeout({ after: timeout })
    })

    /** `Effect.retry` of what may pass, which sets its schedule up for the calls that fail, and for no others. */
    const retried = <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
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

    return {
      call: ({ afterUnheard, name, reading, request, sourceFailure, success }) => {
        const attempt = Effect.gen(function*() {
          const response = yield* execute(yield* request)
          if (!isSuccess(response)) return yield* refused(reading, response)
          const reply = yield* read(response, maximumSuccessBytes, redact)
          if (!mayBeJson(reply)) {
            return yield* unexpected(reply, `its content type is ${reply.headers["content-type"]}`)
          }
          return yield* Effect.mapError(
            success(reply.body),
            (error) => unexpected(reply, fromParseError(error).message)
          )
        }).pipe(
          Effect.scoped,
          Effect.catchTag("TransportFailed", (error) =>
            Effect.flatMap(
              sourceFailure ?? Effect.succeedNone,
              (failure) => Effect.fail(Option.getOrElse(failure, () => error))
            )),
          timed
        )
        return Effect.suspend(() => {
          let earlier: AmbiguousFailure | undefined
          return attempt.pipe(
            Effect.tapError((error) =>
              Effect.sync(() => {
                if (isUnheard(error)) earlier = error
              })
            ),
            retried,
            Effect.catchAll((error) =>
              afterUnheard === undefined || earlier === undefined ? Effect.fail(error) : afterUnheard(error, earlier)
            ),
            countCall(name)
          )
        })
      },

      download: ({ name, range, reading, request }) => {
        const attempt = Effect.gen(function*() {
          const bounds = yield* range
          const response = yield* executeScoped(rangeAnswer.ask(yield* request, bounds))
          const held = rangeAnswer.read(response, bounds)
          if (Option.isNone(held)) return yield* refused(reading, response)
          const { headers, status } = response
          const within = yield* Either.mapLeft(
            held.value,
            (problem) => unexpected({ status, headers, body: "" }, problem)
          )
          return { response, within }
        })
        return attempt.pipe(
          timed,
          keptOpen,
          retried,
          Effect.map(({ response, within }) =>
            bytesOf(response, redact).pipe(
              Stream.timeoutFail(() => new RequestTimeout({ after: timeout }), timeout),
              slice(within)
            )
          ),
          Stream.unwrapScoped,
          countDownload(name)
        )
      }
    }
  })

/** Leaves open what an attempt opened if it succeeds, and nothing if it does not. */
const keptOpen = <A, E>(attempt: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const own = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
      return yield* Effect.onError(restore(Scope.extend(attempt, own)), (cause) =>
        Scope.close(own, Exit.failCause(cause)))
    })
  )

/** JSON is also sent without a content type, and as plain text. */
const mayBeJson = ({ headers }: Reply): boolean => /json|^text\/plain\b|^$/i.test(headers["content-type"] ?? "")

const isSuccess = ({ status }: HttpClientResponse.HttpClientResponse): boolean => status >= 200 && status < 300
