/**
 * What can happen to any request, whatever it asks for: the service does not let us, cannot serve us now, or could not be
 * understood.
 *
 * @since 0.1.0
 */
import { ErrorResponse, formatMessage } from "@effect-uploads/domain/ErrorResponse"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

const response = Schema.optionalWith(ErrorResponse, { exact: true })

const delay = Schema.optionalWith(Schema.DurationFromMillis, { exact: true })

/**
 * The API key is missing, wrong or revoked (401).
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>("@effect-uploads/http/Unauthenticated")(
  "Unauthenticated",
  { response }
) {
  override get message(): string {
    return formatMessage("The service does not accept the API key", this.response)
  }
}

/**
 * The API key is valid, but may not do this (403).
 *
 * @since 0.1.0
 * @category errors
 */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>("@effect-uploads/http/PermissionDenied")(
  "PermissionDenied",
  { response }
) {
  override get message(): string {
    return formatMessage("The API key may not do this", this.response)
  }
}

/**
 * Too many requests in a while (429): wait, then send it again. It was already sent again as often as the retry policy
 * allows.
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("@effect-uploads/http/RateLimited")("RateLimited", {
  /** How long the service asks to wait; absent where it does not say. */
  retryAfter: delay,
  response
}) {
  override get message(): string {
    const wait = this.retryAfter === undefined ? "" : `; it asks to wait ${Duration.format(this.retryAfter)}`
    return formatMessage(`Too many requests${wait}`, this.response)
  }
}

/**
 * The account has used up what it may (429 with code `insufficient_quota`, or 402): waiting does not help.
 *
 * @since 0.1.0
 * @category errors
 */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>("@effect-uploads/http/QuotaExceeded")(
  "QuotaExceeded",
  { response }
) {
  override get message(): string {
    return formatMessage("The quota of the account is used up", this.response)
  }
}

/**
 * The service, or a proxy in front of it, failed (5xx).
 *
 * @since 0.1.0
 * @category errors
 */
export class ServiceUnavailable
  extends Schema.TaggedError<ServiceUnavailable>("@effect-uploads/http/ServiceUnavailable")(
    "ServiceUnavailable",
    {
      /** How long the service asks to wait; absent where it does not say. */
      retryAfter: delay,
      response
    }
  )
{
  override get message(): string {
    return formatMessage("The service cannot answer now", this.response)
  }
}

/**
 * No answer within the attempt timeout, or the service gave up waiting for the request (408). Whether it acted is not
 * known.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestTimeout extends Schema.TaggedError<RequestTimeout>("@effect-uploads/http/RequestTimeout")(
  "RequestTimeout",
  {
    /** The attempt timeout; absent where the service gave up. */
    after: delay,
    response
  }
) {
  override get message(): string {
    const after = this.after === undefined ? "" : ` within ${Duration.format(this.after)}`
    return formatMessage(`No answer${after}`, this.response)
  }
}

/**
 * The connection could not be made or broke. Whether the service acted is not known.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportFailed extends Schema.TaggedError<TransportFailed>("@effect-uploads/http/TransportFailed")(
  "TransportFailed",
  {
    reason: Schema.String,
    cause: Schema.optionalWith(Schema.Defect, { exact: true }),
    response
  }
) {
  override get message(): string {
    return formatMessage(`The connection failed: ${this.reason}`, this.response)
  }
}

/**
 * The service answered something that its API does not describe. Whether it acted is not known.
 *
 * @since 0.1.0
 * @category errors
 */
export class ResponseMalformed extends Schema.TaggedError<ResponseMalformed>("@effect-uploads/http/ResponseMalformed")(
  "ResponseMalformed",
  {
    /** What is wrong with the answer. */
    problem: Schema.String,
    response: ErrorResponse
  }
) {
  override get message(): string {
    return formatMessage(`The answer is not one of the API's: ${this.problem}`, this.response)
  }
}

/**
 * @since 0.1.0
 * @category schemas
 */
export const ServiceError = Schema.Union(
  Unauthenticated,
  PermissionDenied,
  RateLimited,
  QuotaExceeded,
  ServiceUnavailable,
  RequestTimeout,
  TransportFailed,
  ResponseMalformed
)

/**
 * @since 0.1.0
 * @category errors
 */
export type ServiceError = typeof ServiceError.Type

/**
 * @since 0.1.0
 * @category guards
 */
export const isServiceError = (u: unknown): u is ServiceError => Schema.is(ServiceError)(u)
