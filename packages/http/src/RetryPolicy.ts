/**
 * Which failures are retried, how often, and after which delay.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import * as Schema from "effect/Schema"
import { DomainError } from "./ErrorEnvelope.js"
import { ServiceError } from "./ServiceError.js"

/**
 * The errors that a service responds with, and failures of the connection. {@link isRetryable} tells which of them are retried.
 *
 * @since 0.1.0
 * @category models
 */
export type Retryable = DomainError | ServiceError

/**
 * A schedule over the failures. A delay that the service asks for (`retry-after-ms`, `retry-after`) replaces the delay of the
 * schedule.
 *
 * @since 0.1.0
 * @category models
 */
export type RetryPolicy = Schedule.Schedule<unknown, Retryable>

/**
 * Two retries, as in the official clients: after about 0.5 and 1 second, with jitter.
 *
 * @since 0.1.0
 * @category configuration
 */
export const standard: RetryPolicy = Schedule.exponential("500 millis").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(2))
)

/**
 * No retries.
 *
 * @since 0.1.0
 * @category configuration
 */
export const none: RetryPolicy = Schedule.recurs(0)

/**
 * Replaces the policy of the layer in one region of a program, which may retry by rules of its own.
 *
 * @since 0.1.0
 * @category services
 * @example
 * ```ts
 * import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
 * import * as Effect from "effect/Effect"
 * import * as Option from "effect/Option"
 *
 * export const withoutRetries = Effect.provideService(RetryPolicy.LocalRetryPolicy, Option.some(RetryPolicy.none))
 * ```
 */
export class LocalRetryPolicy extends Context.Reference<LocalRetryPolicy>()<
  "@effect-uploads/http/LocalRetryPolicy",
  Option.Option<RetryPolicy>
>("@effect-uploads/http/LocalRetryPolicy", { defaultValue: () => Option.none() }) {}

/**
 * A retry that is about to be made: the failure of the attempt before it, and the delay until it begins.
 *
 * @since 0.1.0
 * @category models
 */
export interface Retry {
  readonly error: Retryable
  readonly delay: Duration.Duration
}

/**
 * Receives every retry of the calls in one region of a program, before its delay. A user who waits can be told why. The default
 * does nothing.
 *
 * @since 0.1.0
 * @category services
 * @example
 * ```ts
 * import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
 * import * as Effect from "effect/Effect"
 *
 * export const withMessages = Effect.provideService(
 *   RetryPolicy.RetryListener,
 *   ({ error }) => Effect.log(`Another attempt follows, because: ${error.message}`)
 * )
 * ```
 */
export class RetryListener extends Context.Reference<RetryListener>()<
  "@effect-uploads/http/RetryListener",
  (retry: Retry) => Effect.Effect<void>
>("@effect-uploads/http/RetryListener", { defaultValue: () => () => Effect.void }) {}

/**
 * The longest delay that a service may ask for. For a longer one nothing is retried: the call fails at once, and the error has
 * the delay in `retryAfter`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const maximumRetryAfter: Duration.Duration = Duration.minutes(10)

const isFailure = Schema.is(Schema.Union(DomainError, ServiceError))

const transient: ReadonlyArray<Retryable["_tag"]> = [
  "TransportFailed",
  "RequestTimeout",
  "RateLimited",
  "ServiceUnavailable"
]

const retryAfter = (error: Retryable): Duration.Duration | undefined =>
  "retryAfter" in error ? error.retryAfter : undefined

/**
 * Whether a failure is retried, by the rules of the official clients. The header `x-should-retry` of the response decides, if it
 * is there. Else transport failures, timeouts, 408, 429 and 5xx are retried, and a 409 that is no domain error: another request
 * has a lock. A 429 for a used-up quota is `QuotaExceeded`, and is not retried.
 *
 * @since 0.1.0
 * @category guards
 */
export const isRetryable = (u: unknown): u is Retryable =>
  isFailure(u) &&
  (u.response?.shouldRetry ??
    (transient.includes(u._tag) || (u._tag === "InvalidRequest" && u.response?.status === 409)))

/** Tells the {@link RetryListener} of every decision for another attempt. */
const notifyListener = (error: Retryable, decision: ScheduleDecision.ScheduleDecision): Effect.Effect<void> =>
  ScheduleDecision.isDone(decision) ? Effect.void : Effect.flatMap(
    Effect.zip(RetryListener, Clock.currentTimeMillis),
    ([listener, now]) =>
      listener({ error, delay: Duration.millis(Math.max(0, ScheduleIntervals.start(decision.intervals) - now)) })
  )

/**
 * The policy with the delays that the service asks for. It stops at a delay above {@link maximumRetryAfter}. Every retry is told to
 * the {@link RetryListener}.
 *
 * @since 0.1.0
 * @category combinators
 */
export const obeyRetryAfter = (policy: RetryPolicy): Schedule.Schedule<Retryable, Retryable> =>
  policy.pipe(
    Schedule.passthrough,
    Schedule.whileInput((error) => {
      const delay = retryAfter(error)
      return delay === undefined || Duration.lessThanOrEqualTo(delay, maximumRetryAfter)
    }),
    Schedule.modifyDelay((error, delay) => retryAfter(error) ?? delay),
    Schedule.onDecision(notifyListener)
  )
