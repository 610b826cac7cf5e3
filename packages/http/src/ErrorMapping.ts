/**
 * How an error becomes an error response: {@link toReply}. The routes use it, and so can other handlers of an application.
 *
 * A domain error keeps its tag and its fields in `details`, which our own client reads. For every other client the response
 * is the documented envelope.
 *
 * @since 0.1.0
 */
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { ErrorEnvelope, Status } from "./ErrorEnvelope.js"
import { DomainError } from "./ErrorEnvelope.js"
import type { PartDataError } from "./PartData.js"
import type { ServiceError } from "./ServiceError.js"

/**
 * Everything that a method of `UploadsService` or `FilesService` can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type ApiError = DomainError | ServiceError | PartDataError

/**
 * An error response: status, headers and envelope.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErrorReply {
  readonly status: Status
  readonly headers: Readonly<Record<string, string>>
  readonly envelope: typeof ErrorEnvelope.Encoded
}

interface StatusAndCode {
  readonly status: Status
  readonly type: string
  readonly code: string | null
  readonly param: string | null
}

const invalid = { status: 400, type: "invalid_request_error" } as const

/** 409 would fit some of these better, but the official clients retry a 409. */
const statusAndCode = (error: ApiError): StatusAndCode => {
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
 * The tag and the fields of a domain error, without `response`: the client adds the response that it receives. Data of a part
 * that could not be read becomes an `InvalidRequest`, because to the client of the routes that is its own request.
 */
const detailsOf = (error: ApiError): { readonly details?: typeof DomainError.Encoded } => {
  const domainError = error._tag === "PartUnreadable" || error._tag === "PartLengthMismatch"
    ? new InvalidRequest({ field: "data", problem: error.message })
    : error
  if (!isDomainError(domainError)) return {}
  const details = encodeDomainError(domainError)
  Reflect.deleteProperty(details, "response")
  return { details }
}

/** Digits without an exponent, however long the delay. */
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
 * The error response for an error. Message, type, code and param that another service sent are passed on unchanged, except
 * that a used-up quota always has the code `insufficient_quota`, which tells it from a rate limit.
 *
 * @since 0.1.0
 * @category conversions
 * @example
 * ```ts
 * import { toReply } from "@effect-uploads/http/ErrorMapping"
 * import { RateLimited } from "@effect-uploads/http/ServiceError"
 * import * as Duration from "effect/Duration"
 *
 * const { envelope, headers, status } = toReply(new RateLimited({ retryAfter: Duration.seconds(20) }))
 *
 * console.log(status, headers, envelope.error.code) // 429 { "retry-after": "20", … } rate_limit_exceeded
 * ```
 */
export const toReply = (error: ApiError): ErrorReply => {
  const { code, param, status, type } = statusAndCode(error)
  const received = "response" in error ? error.response : undefined
  return {
    status,
    headers: {
      // RFC 9110, 15.5.2: a 401 names the scheme that the client has to use.
      ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
      ...retryAfterHeaders(error),
      ...requestIdHeader(received?.requestId),
      ...(received?.shouldRetry === undefined ? {} : { "x-should-retry": `${received.shouldRetry}` })
    },
    envelope: {
      error: {
        // The documented envelope has a message, so an empty one is not passed on.
        message: received?.message || error.message,
        type: received?.type ?? type,
        param: received?.param ?? param,
        code: error._tag === "QuotaExceeded" ? code : received?.code ?? code,
        ...detailsOf(error)
      }
    }
  }
}
