/**
 * Which failures are sent again, how often, and when.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { RateLimited, RequestTimeout, ServiceUnavailable, TransportFailed } from "./ServiceError.js"

/**
 * The failures that may pass: transport failures, 408, 429 and 5xx. A used-up quota is a 429 that does not pass.
 *
 * @since 0.1.0
 * @category models
 */
export type Retryable = TransportFailed | RequestTimeout | RateLimited | ServiceUnavailable

/**
 * A schedule over the failures. Where the service says how long to wait (`retry-after-ms`, `retry-after`), its word
 * replaces the delay of the schedule.
 *
 * @since 0.1.0
 * @category models
 */
export type RetryPolicy = Schedule.Schedule<unknown, Retryable>

/**
 * As the official clients: two retries, half a second before the first, doubling, with jitter.
 *
 * @since 0.1.0
 * @category configuration
 */
export const standard: RetryPolicy = Schedule.exponential("500 millis").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(2))
)

/**
 * @since 0.1.0
 * @category configuration
 */
export const none: RetryPolicy = Schedule.recurs(0)

/**
 * A policy for the calls of one region of a program, in place of that of the layer: for who retries by its own rules.
 *
 * @since 0.1.0
 * @category services
 */
export class LocalRetryPolicy extends Context.Reference<LocalRetryPolicy>()<
  "@effect-uploads/http/LocalRetryPolicy",
  Option.Option<RetryPolicy>
>("@effect-uploads/http/LocalRetryPolicy", { defaultValue: () => Option.none() }) {}

/**
 * The longest wait that a service may ask for. A longer one would outlast the caller's patience, or the Upload: the
 * failure is returned at once, with the delay in it.
 *
 * @since 0.1.0
 * @category configuration
 */
export const maximumRetryAfter: Duration.Duration = Duration.minutes(10)

const RetryableError = Schema.Union(TransportFailed, RequestTimeout, RateLimited, ServiceUnavailable)

const retryAfter = (error: Retryable): Duration.Duration | undefined =>
  "retryAfter" in error ? error.retryAfter : undefined

/**
 * @since 0.1.0
 * @category guards
 */
export const isRetryable = (u: unknown): u is Retryable => Schema.is(RetryableError)(u)

/**
 * The policy with the service's own word on the delay.
 *
 * @since 0.1.0
 * @category combinators
 */
export const obeyRetryAfter = (policy: RetryPolicy): Schedule.Schedule<Retryable, Retryable> =>
  policy.pipe(
    Schedule.passthrough,
    Schedule.whileInput((error) => {
      const asked = retryAfter(error)
      return asked === undefined || Duration.lessThanOrEqualTo(asked, maximumRetryAfter)
    }),
    Schedule.modifyDelay((error, delay) => retryAfter(error) ?? delay)
  )
