/*
 * How an error response becomes a typed error: a 404 that is an `UploadNotFound`, a 429 that is a `RateLimited`.
 *
 * The status decides first. For the statuses that are about the request itself, a domain error of our own routes arrives
 * whole in `details`, and for other services `errorRules` reads the code and the message. The opposite direction is
 * `ErrorMapping.toReply`.
 */
import type { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { DomainError } from "../../ErrorEnvelope.js"
import type { ServiceError } from "../../ServiceError.js"
import {
  PermissionDenied,
  QuotaExceeded,
  RateLimited,
  RequestTimeout,
  ResponseMalformed,
  ServiceUnavailable,
  Unauthenticated
} from "../../ServiceError.js"
import type { ParsedErrorResponse, ReceivedResponse } from "./errorResponse.js"
import * as errorResponse from "./errorResponse.js"
import type { ErrorRules } from "./errorRules.js"
import { retryAfterHeader } from "./retryAfterHeader.js"

/** The error that a response other than 2xx means for an operation. The service's own text is kept in `response`. */
export const decodeError = <E extends DomainError>(
  rules: ErrorRules<E>,
  received: ReceivedResponse,
  now: DateTime.DateTime
): E | InvalidRequest | ServiceError => {
  const parsed = errorResponse.parse(received, rules.ids)
  const { response, status } = parsed
  const delay = Option.match(retryAfterHeader(received.headers, now), {
    onNone: () => ({}),
    onSome: (retryAfter) => ({ retryAfter })
  })
  if (status >= 500 && status <= 599) return new ServiceUnavailable({ ...delay, response })
  if (status < 400 || status > 599) return malformed(response, `the API has no status ${status}`)
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
  const domainError = rules.details(ownDetails(parsed)).pipe(
    Option.orElse(() => Option.firstSomeOf(rules.rules().map((rule) => rule(parsed))))
  )
  if (Option.isSome(domainError)) return domainError.value
  return response.message === undefined
    ? malformed(response, "the body has no error message")
    : new InvalidRequest({
      ...(response.param === undefined ? {} : { field: response.param }),
      problem: response.message,
      response
    })
}

/** The domain error in the envelope of our own routes, with the response that brought it. */
const ownDetails = ({ details, response }: ParsedErrorResponse): unknown =>
  // Schema compares the tag with literals. A tag that is no string can throw in that comparison.
  Predicate.isRecord(details) && Predicate.isString(details._tag)
    ? { ...details, response: { ...response } }
    : undefined

const malformed = (response: ErrorResponse, problem: string) => new ResponseMalformed({ problem, response })

/** The error for a 2xx response whose body is not the one of the operation. */
export const unexpectedBody = (received: ReceivedResponse, problem: string): ResponseMalformed =>
  malformed(errorResponse.unexpected(received), problem)
