/**
 * The one place where answers become errors ({@link fromReply}) and errors become answers ({@link toReply}).
 *
 * From our own routes a domain error comes back whole. From other services it is read from the status, the code and, where
 * the API leaves nothing else, the words of the message; what the service said is kept in `response` in any case.
 *
 * @since 0.1.0
 */
import type { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Headers from "@effect/platform/Headers"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ErrorEnvelope, Status } from "./ErrorEnvelope.js"
import { DomainError } from "./ErrorEnvelope.js"
import type { Refusal, Reply } from "./internal/client/errorResponse.js"
import * as refusals from "./internal/client/errorResponse.js"
import type { ErrorRules } from "./internal/client/errorRules.js"
import type { PartDataError } from "./PartData.js"
import type { ServiceError } from "./ServiceError.js"
import {
  PermissionDenied,
  QuotaExceeded,
  RateLimited,
  RequestTimeout,
  ResponseMalformed,
  ServiceUnavailable,
  Unauthenticated
} from "./ServiceError.js"

/**
 * Everything that a method of `UploadsService` or `FilesService` can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type ApiError = DomainError | ServiceError | PartDataError

/**
 * The delay that a service asks for: `retry-after-ms`, else `retry-after` in seconds or as a date.
 *
 * @since 0.1.0
 * @category getters
 */
export const retryAfter = (headers: Headers.Headers, now: DateTime.DateTime): Option.Option<Duration.Duration> => {
  const number = (value: string) =>
    /^\s*\d+(?:\.\d+)?\s*$/.test(value) ? Option.some(Number(value)) : Option.none<number>()
  const after = Headers.get(headers, "retry-after")
  return Headers.get(headers, "retry-after-ms").pipe(
    Option.flatMap(number),
    Option.map(Duration.millis),
    Option.orElse(() => Option.map(Option.flatMap(after, number), Duration.seconds)),
    Option.orElse(() =>
      // A year without letters would parse as a date too: an HTTP date starts with a weekday.
      Option.filter(after, (value) => /^\s*[A-Za-z]/.test(value)).pipe(
        // `DateTime.make` takes offsets, and would add one to the `GMT` of HTTP.
        Option.flatMap((value) => DateTime.make(value.replace(/GMT\s*$/, "+0000"))),
        Option.map((date) => DateTime.distance(now, date)),
        // A moment that has passed tells of clocks that differ, not of a delay.
        Option.filter((millis) => millis > 0),
        Option.map(Duration.millis)
      )
    )
  )
}

/**
 * The error that an answer other than 2xx means for an operation.
 *
 * @internal
 */
export const fromReply = <E extends DomainError>(
  reading: ErrorRules<E>,
  reply: Reply,
  now: DateTime.DateTime
): E | InvalidRequest | ServiceError => {
  const refusal = refusals.read(reply, reading.ids)
  const { response, status } = refusal
  const delay = Option.match(retryAfter(reply.headers, now), {
    onNone: () => ({}),
    onSome: (retryAfter) => ({ retryAfter })
  })
  if (status >= 500 && status <= 599) return new ServiceUnavailable({ ...delay, response })
  if (status < 400 || status > 599) return malformed(response, `status ${status} is none of its statuses`)
  switch (status) {
    case 401:
      return new Unauthenticated({ response })
    case 402:
      return new QuotaExceeded({ response })
    case 403:
      return new PermissionDenied({ response })
    case 408:
      return new RequestTimeout({ response })
    case 429:
      return [response.code, response.type].includes("insufficient_quota")
        ? new QuotaExceeded({ response })
        : new RateLimited({ ...delay, response })
  }
  const domain = reading.details(ofOurs(refusal)).pipe(
    Option.orElse(() => Option.firstSomeOf(reading.rules().map((rule) => rule(refusal))))
  )
  if (Option.isSome(domain)) return domain.value
  return response.message === undefined
    ? malformed(response, "its body has no error message")
    : new InvalidRequest({
      ...(response.param === undefined ? {} : { field: response.param }),
      problem: response.message,
      response
    })
}

/** The domain error in the envelope of our own routes, with what this answer adds. */
const ofOurs = ({ details, response }: Refusal): unknown =>
  // A tag that is no string would not even compare: looking at it can throw.
  Predicate.isRecord(details) && Predicate.isString(details._tag)
    ? { ...details, response: { ...response } }
    : undefined

const malformed = (response: ErrorResponse, problem: string) => new ResponseMalformed({ problem, response })

/**
 * A 2xx answer whose body is not what the operation answers.
 *
 * @internal
 */
export const unexpectedBody = (reply: Reply, problem: string): ResponseMalformed =>
  malformed(refusals.unexpected(reply), problem)

/**
 * An error as an answer: its status, headers and envelope.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErrorReply {
  readonly status: Status
  readonly headers: Readonly<Record<string, string>>
  readonly envelope: typeof ErrorEnvelope.Encoded
}

interface Wire {
  readonly status: Status
  readonly type: string
  readonly code: string | null
  readonly param: string | null
}

const invalid = { status: 400, type: "invalid_request_error" } as const

/** 409 would fit some of these better, but the official clients send a 409 again. */
const wireOf = (error: ApiError): Wire => {
  switch (error._tag) {
    case "InvalidRequest":
      return { ...invalid, code: null, param: error.field ?? null }
    case "UploadNotFound":
      return { ...invalid, status: 404, code: "upload_not_found", param: "upload_id" }
    case "UploadAlreadyCompleted":
      return { ...invalid, code: "upload_already_completed", param: "upload_id" }
    case "UploadAlreadyCancelled":
      return { ...invalid, code: "upload_already_cancelled", param: "upload_id" }
    case "UploadExpired":
      return { ...invalid, code: "upload_expired", param: "upload_id" }
    case "PartNotFound":
      return { ...invalid, code: "part_not_found", param: "part_ids" }
    case "PartTooLarge":
      return { ...invalid, status: 413, code: "part_too_large", param: "data" }
    case "UploadSizeExceeded":
      return { ...invalid, code: "upload_size_exceeded", param: "data" }
    case "BytesMismatch":
      return { ...invalid, code: "bytes_mismatch", param: "part_ids" }
    case "ChecksumMismatch":
      return { ...invalid, code: "checksum_mismatch", param: "md5" }
    case "FileNotFound":
      return { ...invalid, status: 404, code: "file_not_found", param: "file_id" }
    case "PartUnreadable":
    case "PartLengthMismatch":
      return { ...invalid, code: "part_unreadable", param: "data" }
    case "Unauthenticated":
      return { ...invalid, status: 401, code: "invalid_api_key", param: null }
    case "PermissionDenied":
      return { ...invalid, status: 403, code: "permission_denied", param: null }
    case "RateLimited":
      return { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded", param: null }
    case "QuotaExceeded":
      return { status: 429, type: "insufficient_quota", code: "insufficient_quota", param: null }
    case "ServiceUnavailable":
      return { status: 503, type: "server_error", code: "service_unavailable", param: null }
    case "RequestTimeout":
      return { status: 504, type: "server_error", code: "timeout", param: null }
    case "TransportFailed":
      return { status: 502, type: "server_error", code: "upstream_unreachable", param: null }
    case "ResponseMalformed":
      return { status: 502, type: "server_error", code: "upstream_malformed", param: null }
  }
}

const isDomainError = (error: ApiError): error is DomainError => Schema.is(DomainError)(error)
const encodeDomainError = (error: DomainError) => Schema.encodeSync(DomainError)(error)

/**
 * Its tag and its own fields: what the answer adds is the reader's to know. Data that could not be read is the request's
 * fault to whoever asked.
 */
const detailsOf = (error: ApiError): { readonly details?: typeof DomainError.Encoded } => {
  const domain = error._tag === "PartUnreadable" || error._tag === "PartLengthMismatch"
    ? new InvalidRequest({ field: "data", problem: error.message })
    : error
  if (!isDomainError(domain)) return {}
  const details = encodeDomainError(domain)
  Reflect.deleteProperty(details, "response")
  return { details }
}

/** Digits only, however long the delay. */
const digits = (amount: number): string => `${Math.min(Math.ceil(amount), Number.MAX_SAFE_INTEGER)}`

const retryAfterHeaders = (error: ApiError): Readonly<Record<string, string>> =>
  "retryAfter" in error && error.retryAfter !== undefined
    ? {
      "retry-after": digits(Duration.toSeconds(error.retryAfter)),
      "retry-after-ms": digits(Duration.toMillis(error.retryAfter))
    }
    : {}

const requestIdHeader = (requestId: string | undefined): Readonly<Record<string, string>> =>
  requestId !== undefined && /^[\x21-\x7e]+$/.test(requestId) ? { "x-request-id": requestId } : {}

/**
 * The inverse of {@link fromReply}. Words, code and param that another service gave are passed on as they came, but for
 * the code that tells a used-up quota from a rate limit.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toReply = (error: ApiError): ErrorReply => {
  const { code, param, status, type } = wireOf(error)
  const said = "response" in error ? error.response : undefined
  return {
    status,
    headers: {
      ...retryAfterHeaders(error),
      ...requestIdHeader(said?.requestId)
    },
    envelope: {
      error: {
        // An empty one would not be the documented envelope.
        message: said?.message || error.message,
        type: said?.type ?? type,
        param: said?.param ?? param,
        code: error._tag === "QuotaExceeded" ? code : said?.code ?? code,
        ...detailsOf(error)
      }
    }
  }
}
