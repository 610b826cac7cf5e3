/**
 * The errors that any request can fail with: the service denies access, is not available, or sends a response that is not one
 * of the API.
 *
 * @since 0.1.0
 */
import { ErrorResponse, formatMessage } from "@effect-uploads/domain/ErrorResponse"
import { UploadId } from "@effect-uploads/domain/Ids"
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
 * The API key is valid, but has no permission for this request (403).
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
 * Too many requests (429). Wait, then send the request again. The retry policy has already done so as often as it allows.
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("@effect-uploads/http/RateLimited")("RateLimited", {
  /** The delay that the service asks for, if it does. */
  retryAfter: delay,
  response
}) {
  override get message(): string {
    const wait = this.retryAfter === undefined ? "" : `; it asks to wait ${Duration.format(this.retryAfter)}`
    return formatMessage(`Too many requests${wait}`, this.response)
  }
}

/**
 * The quota of the account is used up (429 with code `insufficient_quota`, or 402). Waiting does not help.
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
      /** The delay that the service asks for, if it does. */
      retryAfter: delay,
      response
    }
  )
{
  override get message(): string {
    return formatMessage("The service is not available", this.response)
  }
}

/**
 * No response within the attempt timeout, or the service did not receive the whole request in time (408). The outcome is
 * unknown: the service may have acted.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestTimeout extends Schema.TaggedError<RequestTimeout>("@effect-uploads/http/RequestTimeout")(
  "RequestTimeout",
  {
    /** The attempt timeout; absent for a 408. */
    after: delay,
    response
  }
) {
  override get message(): string {
    const after = this.after === undefined ? "" : ` within ${Duration.format(this.after)}`
    return formatMessage(`No response${after}`, this.response)
  }
}

/**
 * The connection could not be opened, or it broke. The outcome is unknown: the service may have acted.
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
 * The response is not one that the API describes. The outcome is unknown: the service may have acted.
 *
 * @since 0.1.0
 * @category errors
 */
export class ResponseMalformed extends Schema.TaggedError<ResponseMalformed>("@effect-uploads/http/ResponseMalformed")(
  "ResponseMalformed",
  {
    /** What is wrong with the response. */
    problem: Schema.String,
    response: ErrorResponse,
    /** The id of the Upload, if the response to `create` has one: the Upload exists, and can be cancelled. */
    uploadId: Schema.optionalWith(UploadId, { exact: true })
  }
) {
  override get message(): string {
    return formatMessage(`The response is not one of the API: ${this.problem}`, this.response)
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

/**
 * A failure that leaves the outcome unknown: the service may have acted.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AmbiguousFailure = Schema.Union(TransportFailed, RequestTimeout, ServiceUnavailable)

/**
 * @since 0.1.0
 * @category errors
 */
export type AmbiguousFailure = typeof AmbiguousFailure.Type

/**
 * @since 0.1.0
 * @category guards
 */
export const isAmbiguousFailure = (u: unknown): u is AmbiguousFailure => Schema.is(AmbiguousFailure)(u)
