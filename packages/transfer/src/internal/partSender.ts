import type { UploadId } from "@effect-uploads/domain/Ids"
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as IdempotencyKey from "@effect-uploads/http/IdempotencyKey"
import * as PartData from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type { SourceError } from "../SourceError.js"
import { TransferStalled } from "../TransferError.js"
import * as TransferEvent from "../TransferEvent.js"
import type { OnEvent } from "./job.js"
import { monotonicMillis, unsafeMonotonicMillis } from "./lifetime.js"
import type { Progress } from "./progress.js"
import type { PartToSend, Source } from "./sources/source.js"

/** The failures after which a part is sent again. */
type Retryable = RetryPolicy.Retryable | TransferStalled

export type PartFailure = UploadsService.AddPartError | SourceError | TransferStalled

const isRetryable = (error: PartFailure): error is Retryable =>
  RetryPolicy.isRetryable(error) || error._tag === "TransferStalled"

/** The delay that the service asks for. */
const retryAfter = (error: Retryable): Duration.Duration =>
  ("retryAfter" in error ? error.retryAfter : undefined) ?? Duration.zero

export interface PartSender {
  /** Sends one part until the service acknowledges it or the retry policy ends. */
  readonly send: (part: PartToSend) => Effect.Effect<UploadPart, PartFailure>
}

export const make = (options: {
  readonly uploads: UploadsService.Service
  readonly uploadId: UploadId
  /** The idempotency key of a part begins with it. */
  readonly idempotencyKey: string
  readonly explain: Source["explain"]
  readonly progress: Progress
  /** Called when the service may have stored a part that it did not acknowledge. */
  readonly onAmbiguousFailure: () => void
  readonly stallTimeout: Duration.Duration
  readonly retryPolicy: Schedule.Schedule<unknown>
  readonly onEvent: OnEvent
}): Effect.Effect<PartSender> =>
  Effect.gen(function*() {
    const { explain, idempotencyKey, onAmbiguousFailure, onEvent, progress, retryPolicy } = options
    const { stallTimeout, uploadId, uploads } = options
    const pause = yield* makeSharedPause

    const attempt = ({ data, range }: PartToSend) =>
      Effect.gen(function*() {
        yield* pause.wait
        progress.begin(range.index)
        const clock = yield* Effect.clock
        const lastByteAt = MutableRef.make(unsafeMonotonicMillis(clock))
        const tracked = PartData.withProgress(data, (bytes) => {
          progress.add(range.index, bytes)
          MutableRef.set(lastByteAt, unsafeMonotonicMillis(clock))
        })
        return yield* uploads.addPart(uploadId, tracked).pipe(
          // All attempts, those of a resumed transfer included, are one call: the service stores the part once.
          IdempotencyKey.withKey(`${idempotencyKey}/part-${range.index}`),
          // The retries are here and not in the client, because a rate limit pauses all parts together.
          Effect.provideService(RetryPolicy.LocalRetryPolicy, Option.some(RetryPolicy.none)),
          Effect.raceFirst(failWhenStalled(lastByteAt, stallTimeout)),
          Effect.catchTags({
            PartUnreadable: (error) => Effect.fail(explain(error)),
            PartLengthMismatch: (error) => Effect.fail(explain(error))
          })
        )
      })

    return {
      send: (part) => {
        const sendFrom = (schedule: unknown, attempts: number): Effect.Effect<UploadPart, PartFailure> =>
          Effect.catchAll(attempt(part), (failure) =>
            isRetryable(failure)
              ? Effect.gen(function*() {
                progress.fail(part.range.index)
                if (failure._tag !== "RateLimited") onAmbiguousFailure()
                const requested = retryAfter(failure)
                if (Duration.greaterThan(requested, RetryPolicy.maximumRetryAfter)) return yield* Effect.fail(failure)
                if (failure._tag === "RateLimited") yield* pause.extend(requested)
                const now = yield* Clock.currentTimeMillis
                const [state, , decision] = yield* retryPolicy.step(now, failure, schedule)
                if (ScheduleDecision.isDone(decision)) return yield* Effect.fail(failure)
                const delay = Duration.millis(
                  // Whole milliseconds, because a test clock has no time between them.
                  Math.ceil(
                    Math.max(
                      ScheduleIntervals.start(decision.intervals) - now,
                      Duration.toMillis(requested),
                      yield* pause.remaining
                    )
                  )
                )
                yield* onEvent(
                  TransferEvent.Retrying({ index: part.range.index, attempt: attempts, reason: failure, delay })
                )
                yield* Effect.sleep(delay)
                return yield* sendFrom(state, attempts + 1)
              })
              : Effect.fail(failure))
        return sendFrom(retryPolicy.initial, 1)
      }
    }
  })

/** Fails when no byte was taken for the timeout. */
const failWhenStalled = (
  lastByteAt: MutableRef.MutableRef<number>,
  timeout: Duration.Duration
): Effect.Effect<never, TransferStalled> =>
  Effect.gen(function*() {
    while (true) {
      const silence = (yield* monotonicMillis) - MutableRef.get(lastByteAt)
      const remaining = Duration.toMillis(timeout) - silence
      if (remaining <= 0) return yield* new TransferStalled({ after: timeout })
      yield* Effect.sleep(remaining)
    }
  })

/** A pause that holds for all parts: a rate limit is that of the client, not that of one request. */
const makeSharedPause = Effect.map(Ref.make(0), (until) => {
  const remaining = Effect.zipWith(Ref.get(until), monotonicMillis, (until, now) => Math.max(0, until - now))
  const wait: Effect.Effect<void> = Effect.flatMap(
    remaining,
    (remaining) => remaining > 0 ? Effect.zipRight(Effect.sleep(remaining), wait) : Effect.void
  )
  return {
    remaining,
    wait,
    extend: (delay: Duration.Duration) =>
      Effect.flatMap(
        monotonicMillis,
        (now) => Ref.update(until, (current) => Math.max(current, now + Duration.toMillis(delay)))
      )
  }
})
