/*
 * The steps that all requests of a client share, with a decoded or a streamed response: the connection, the deadline of an
 * attempt, retries, and the error for an unexpected response.
 */
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schedule from "effect/Schedule"
import type { ClientOptions } from "../../ClientOptions.js"
import { LocalAttemptTimeout } from "../../ClientOptions.js"
import type { DomainError } from "../../ErrorEnvelope.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import type { ResponseMalformed, ServiceError } from "../../ServiceError.js"
import { RequestTimeout } from "../../ServiceError.js"
import { redacting } from "../secrets.js"
import { connect } from "./connection.js"
import { withDeadline } from "./deadline.js"
import { decodeError, unexpectedBody } from "./decodeError.js"
import type { ReceivedResponse } from "./errorResponse.js"
import type { ErrorRules } from "./errorRules.js"
import { followRedirects } from "./redirect.js"
import { readText, undecoded } from "./responseBody.js"

/** The errors that every request can fail with. */
export type RequestError = InvalidRequest | ServiceError

/** The most bytes of an error response that are read. Error responses are far below this limit. */
const maximumErrorBytes = 64 * 1024

export type Attempts = Effect.Effect.Success<ReturnType<typeof make>>

export const make = (options: ClientOptions) =>
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
        const text = yield* readText(response, maximumErrorBytes, redact)
        const malformed = compressed(response)
        // Compressed text cannot be redacted, and says nothing.
        const received = Option.isSome(malformed) ? { ...text, body: "" } : text
        const error = decodeError(errorRules, redacted(received), yield* DateTime.now)
        return yield* Effect.fail(
          error._tag === "ResponseMalformed" ? Option.getOrElse(malformed, () => error) : error
        )
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

    /** The error for a response that is compressed, although that was not requested. */
    const compressed = (
      response: HttpClientResponse.HttpClientResponse,
      what: "json" | "content" = "json"
    ): Option.Option<ResponseMalformed> =>
      Option.map(undecoded(response, what), (encoding) => {
        const { headers, status } = response
        return unexpected({ status, headers, body: "" }, `the encoding ${encoding} was not requested`)
      })

    return { execute, executeScoped, failWith, unexpected, compressed, timed, retryTransient, redact, timeout }
  })
