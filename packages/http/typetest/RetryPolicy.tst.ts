import type { DomainError } from "@effect-uploads/http/ErrorEnvelope"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import type * as ServiceError from "@effect-uploads/http/ServiceError"
import type * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import { describe, expect, test } from "tstyche"

declare const ofNumbers: Schedule.Schedule<number, number>
declare const ofOneError: Schedule.Schedule<unknown, ServiceError.RateLimited>
declare const ofOtherErrors: Schedule.Schedule<unknown, ServiceError.Unauthenticated>
declare const needy: Schedule.Schedule<number, unknown, Duration.Duration>

describe("RetryPolicy", () => {
  test("is a schedule over the failures of a call", () => {
    expect<RetryPolicy.RetryPolicy>().type.toBe<Schedule.Schedule<unknown, RetryPolicy.Retryable>>()
    expect<RetryPolicy.Retryable>().type.toBe<DomainError | ServiceError.ServiceError>()
    expect(RetryPolicy.standard).type.toBe<RetryPolicy.RetryPolicy>()
    expect(RetryPolicy.none).type.toBe<RetryPolicy.RetryPolicy>()
  })

  test("takes a schedule that does not look at its input, or looks at the failures", () => {
    expect(Schedule.spaced("1 second")).type.toBeAssignableTo<RetryPolicy.RetryPolicy>()
    expect(Schedule.recurWhile((error: RetryPolicy.Retryable) => error._tag === "RateLimited"))
      .type.toBeAssignableTo<RetryPolicy.RetryPolicy>()
  })

  test("takes no schedule that needs another input, or one of the failures alone, or a service", () => {
    expect(ofNumbers).type.not.toBeAssignableTo<RetryPolicy.RetryPolicy>()
    expect(ofOneError).type.not.toBeAssignableTo<RetryPolicy.RetryPolicy>()
    expect(ofOtherErrors).type.not.toBeAssignableTo<RetryPolicy.RetryPolicy>()
    expect(needy).type.not.toBeAssignableTo<RetryPolicy.RetryPolicy>()
  })

  test("obeyRetryAfter keeps the failures as output", () => {
    expect(RetryPolicy.obeyRetryAfter(RetryPolicy.standard)).type.toBe<
      Schedule.Schedule<RetryPolicy.Retryable, RetryPolicy.Retryable>
    >()
    expect(RetryPolicy.isRetryable).type.toBe<(u: unknown) => u is RetryPolicy.Retryable>()
  })
})
