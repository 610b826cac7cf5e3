import { fromParseError, InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import type * as UrlParams from "@effect/platform/UrlParams"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { flow, identity } from "effect/Function"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClientOptions } from "../ClientOptions.js"
import { defaultApiUrl } from "../ClientOptions.js"
import type { DomainError } from "../ErrorEnvelope.js"
import * as ErrorMapping from "../ErrorMapping.js"
import * as RetryPolicy from "../RetryPolicy.js"
import type { ServiceError } from "../ServiceError.js"
import { RequestTimeout, TransportFailed } from "../ServiceError.js"
import * as UploadsMetrics from "../UploadsMetrics.js"
import type { Reading } from "./readings.js"
import type { Reply } from "./refusal.js"
import type { Hide } from "./retold.js"
import { retold } from "./retold.js"

/** What can go wrong with any request. */
export type RequestError = InvalidRequest | ServiceError

/** The most bytes of an answer that are read: a page of 10,000 Files has some 3 MB, an error has none. */
const maximumSuccessBytes = 16 * 1024 * 1024
const maximumRefusalBytes = 64 * 1024

export interface Client {
  /** One request, sent again as the policy allows, and its answer as a value. */
  readonly call: <A, I, E extends DomainError, E1 = never>(operation: {
    readonly name: string
    /** Made anew for each attempt. */
    readonly request: Effect.Effect<HttpClientRequest.HttpClientRequest, E1>
    /** What broke the connection, if it was the source of the body. */
    readonly sourceFailure?: Effect.Effect<Option.Option<E1>>
    readonly success: Schema.Schema<A, I>
    readonly reading: Reading<E>
  }) => Effect.Effect<A, E | E1 | RequestError>

  /** One request, sent again until its answer begins, and its body as it arrives. */
  readonly download: <E extends DomainError>(operation: {
    readonly name: string
    readonly request: Effect.Effect<HttpClientRequest.HttpClientRequest, InvalidRequest>
    readonly reading: Reading<E>
  }) => Stream.Stream<Uint8Array, E | RequestError>
}

export const make = (options: ClientOptions): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) => {
    const timeout = Duration.decode(options.attemptTimeout ?? Duration.minutes(10))
    const retryPolicy = options.retryPolicy ?? RetryPolicy.standard
    const hide = hiding(options)
    const execute = connect(client, options, hide)

    const refused = <E extends DomainError>(reading: Reading<E>, response: HttpClientResponse.HttpClientResponse) =>
      Effect.gen(function*() {
        const reply = yield* read(response, maximumRefusalBytes, hide)
        return yield* Effect.fail(ErrorMapping.fromReply(reading, reply, yield* DateTime.now))
      })

    const timed = Effect.timeoutFail({
      duration: timeout,
      onTimeout: () => new RequestTimeout({ after: timeout })
    })

    /** Failures that do not pass leave the loop as values. */
    const retried = <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E | RetryPolicy.Retryable, R> =>
      Effect.flatMap(RetryPolicy.LocalRetryPolicy, (local) =>
        attempt.pipe(
          Effect.map(Either.right),
          Effect.catchAll((error) =>
            RetryPolicy.isRetryable(error) ? Effect.fail(error) : Effect.succeed(Either.left(error))
          ),
          Effect.retry(RetryPolicy.obeyRetryAfter(Option.getOrElse(local, () => retryPolicy))),
          Effect.flatten
        ))

    return {
      call: ({ name, reading, request, sourceFailure, success }) => {
        const decode = Schema.decodeUnknown(Schema.parseJson(success))
        const attempt = Effect.gen(function*() {
          const response = yield* execute(yield* request)
          if (!isSuccess(response)) return yield* refused(reading, response)
          const reply = yield* read(response, maximumSuccessBytes, hide)
          return yield* Effect.mapError(
            decode(reply.body),
            (error) => ErrorMapping.unexpectedBody(reply, fromParseError(error).message)
          )
        })
        return attempt.pipe(
          Effect.scoped,
          Effect.catchTag("TransportFailed", (error) =>
            Effect.flatMap(
              sourceFailure ?? Effect.succeedNone,
              (failure) => Effect.fail(Option.getOrElse(failure, () => error))
            )),
          timed,
          retried,
          counted(name)
        )
      },

      download: ({ name, reading, request }) => {
        const attempt = Effect.gen(function*() {
          const response = yield* execute(yield* request)
          return isSuccess(response) ? response : yield* refused(reading, response)
        })
        return attempt.pipe(
          timed,
          retried,
          Effect.map((response) => bytesOf(response, hide)),
          Stream.unwrapScoped,
          followed(name)
        )
      }
    }
  })

const isSuccess = ({ status }: HttpClientResponse.HttpClientResponse): boolean => status >= 200 && status < 300

const count = (name: string, outcome: string): Effect.Effect<void> =>
  Metric.update(
    Metric.tagged(Metric.tagged(UploadsMetrics.requests, "operation", name), "outcome", outcome),
    1
  )

/** Counts how a call ends. */
const counted = (name: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.onExit(effect, (exit) => count(name, Exit.match(exit, { onSuccess: () => "success", onFailure: outcomeOf })))

/** Counts how a download ends, and its bytes. One that its reader leaves before the end is interrupted. */
const followed = (name: string) => <E, R>(stream: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Uint8Array, E, R> =>
  Stream.unwrap(Effect.map(Effect.option(Effect.currentSpan), (span) => {
    let bytes = 0
    let outcome = "interrupted"
    return stream.pipe(
      Stream.tap((chunk) =>
        Effect.sync(() => {
          bytes += chunk.byteLength
        })
      ),
      Stream.onEnd(Effect.sync(() => {
        outcome = "success"
      })),
      Stream.tapErrorCause((cause) =>
        Effect.sync(() => {
          outcome = outcomeOf(cause)
        })
      ),
      Stream.ensuring(Effect.suspend(() => {
        if (Option.isSome(span)) span.value.attribute("bytes", bytes)
        return count(name, outcome)
      }))
    )
  }))

const outcomeOf = (cause: Cause.Cause<unknown>): string => {
  const failure = Cause.failureOption(cause)
  if (failure._tag === "Some") {
    return Predicate.hasProperty(failure.value, "_tag") ? String(failure.value._tag) : "failure"
  }
  return Cause.isInterruptedOnly(cause) ? "interrupted" : "defect"
}

// -----------------------------------------------------------------------------------------------------------------
// Requests
// -----------------------------------------------------------------------------------------------------------------

/** A POST with a JSON body. */
export const json = <A, I>(
  path: string,
  schema: Schema.Schema<A, I>,
  payload: A
): Effect.Effect<HttpClientRequest.HttpClientRequest, InvalidRequest> =>
  Schema.encode(schema)(payload).pipe(
    Effect.mapBoth({
      onFailure: fromParseError,
      onSuccess: (body) => HttpClientRequest.bodyUnsafeJson(HttpClientRequest.post(path), body)
    })
  )

/** A GET with a query. */
export const query = <A, I extends UrlParams.CoercibleRecord>(
  path: string,
  schema: Schema.Schema<A, I>,
  parameters: A
): Effect.Effect<HttpClientRequest.HttpClientRequest, InvalidRequest> =>
  Schema.encode(schema)(parameters).pipe(
    Effect.mapBoth({
      onFailure: fromParseError,
      onSuccess: (urlParams) => HttpClientRequest.get(path, { urlParams })
    })
  )

// -----------------------------------------------------------------------------------------------------------------
// Sending
// -----------------------------------------------------------------------------------------------------------------

/** The secrets and names that stand in headers, with the fields that an error names. */
const headerOptions = [
  { option: "apiKey", header: "authorization", value: (text: string) => `Bearer ${text}` },
  { option: "organizationId", header: "openai-organization", value: (text: string) => text },
  { option: "projectId", header: "openai-project", value: (text: string) => text }
] as const

/** An answer may have the key in headers of its own, such as `www-authenticate`. */
const secretHeader = /auth|cookie|key|secret|token/

/**
 * An HTTP client quotes a header that it cannot send in its error, so a key with a line break would end up in a log: it is
 * refused here, unquoted.
 */
const isHeaderText = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)

/** Some services quote the key that they refuse: as it is, or as JSON, a URL or a page spells it. */
const hiding = ({ apiKey }: ClientOptions): Hide => {
  const key = apiKey === undefined ? "" : Redacted.value(apiKey)
  if (key === "") return identity
  const spellings = key.split("").map((character) => {
    const code = character.charCodeAt(0)
    const hex = code.toString(16)
    const either = `(?:${hex}|${hex.toUpperCase()})`
    return `(?:\\\\?\\u${hex.padStart(4, "0")}|\\\\u0*${either}|%${either}|&#(?:x${either}|${code});)`
  })
  const pattern = new RegExp(spellings.join(""), "g")
  return (text) => text.replace(pattern, "<redacted>")
}

/** A path is added to it: after a query it would be part of that, and without a host it would be taken for one. */
const isBaseUrl = (text: string): boolean => /^https?:\/\/[^/?#]+[^?#]*$/i.test(text)

const connect = (client: HttpClient.HttpClient, options: ClientOptions, hide: Hide) => {
  const apiUrl = (options.apiUrl ?? defaultApiUrl).replace(/\/+$/, "")
  const notUrl = new InvalidRequest({
    field: "apiUrl",
    problem: `cannot make a URL of ${apiUrl}`,
    limit: "an http(s) URL without a query"
  })
  let headers = Headers.empty
  let unsendable = isBaseUrl(apiUrl) ? undefined : notUrl
  for (const { header, option, value } of headerOptions) {
    const secret = options[option]
    if (secret === undefined) continue
    const text = Redacted.value(secret)
    if (isHeaderText(text)) headers = Headers.set(headers, header, value(text))
    else {
      unsendable ??= new InvalidRequest({
        field: option,
        problem: text === "" ? "it is empty" : "it has characters that a header cannot carry",
        limit: "visible ASCII characters without spaces"
      })
    }
  }
  const prepared = client.pipe(
    HttpClient.mapRequest(flow(HttpClientRequest.prependUrl(apiUrl), HttpClientRequest.setHeaders(headers))),
    options.transformClient ?? ((client) => client),
    HttpClient.withScope
  )
  const hidden = [...headerOptions.map(({ header }) => header), secretHeader]

  return (
    request: HttpClientRequest.HttpClientRequest
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, RequestError, Scope.Scope> =>
    unsendable !== undefined ? Effect.fail(unsendable) : prepared.execute(request).pipe(
      Effect.locallyWith(Headers.currentRedactedNames, (names) => [...names, ...hidden]),
      Effect.catchTags({
        // A `transformClient` may have turned statuses into failures: they are answers all the same.
        ResponseError: (error) =>
          error.reason === "StatusCode" ? Effect.succeed(error.response) : Effect.fail(transportFailed(error, hide)),
        RequestError: (error) =>
          Effect.fail(
            error.reason === "InvalidUrl" ? notUrl : transportFailed(error, hide)
          )
      })
    )
}

/** The messages down the causes: the outermost one alone is often just "fetch failed". */
const reasonOf = (error: Error): string =>
  Predicate.isError(error.cause) ? `${error.message}: ${reasonOf(error.cause)}` : error.message

const transportFailed = ({ cause, reason }: HttpClientError.HttpClientError, hide: Hide): TransportFailed => {
  if (!Predicate.isError(cause)) {
    return new TransportFailed({ reason: cause === undefined ? reason : "for an unknown reason" })
  }
  const told = retold(cause, hide)
  return new TransportFailed({ reason: reasonOf(told), cause: told })
}

// -----------------------------------------------------------------------------------------------------------------
// Receiving
// -----------------------------------------------------------------------------------------------------------------

const bytesOf = (
  response: HttpClientResponse.HttpClientResponse,
  hide: Hide
): Stream.Stream<Uint8Array, TransportFailed> =>
  Stream.catchAll(
    response.stream,
    (error) => error.reason === "EmptyBody" ? Stream.empty : Stream.fail(transportFailed(error, hide))
  )

/** The body as text, up to a bound. */
const read = (
  response: HttpClientResponse.HttpClientResponse,
  maximumBytes: number,
  hide: Hide
): Effect.Effect<Reply, TransportFailed> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let body = ""
    let bytes = 0
    return bytesOf(response, hide).pipe(
      Stream.runForEachWhile((chunk) =>
        Effect.sync(() => {
          body += decoder.decode(chunk, { stream: true })
          bytes += chunk.byteLength
          return bytes < maximumBytes
        })
      ),
      Effect.map((): Reply => ({
        status: response.status,
        headers: response.headers,
        body: hide(body + decoder.decode())
      }))
    )
  })
