import type { UploadId } from "@effect-uploads/domain/Ids"
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
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
import type { Progress } from "./progress.js"
import type { PartToSend, Source } from "./source.js"

/** Errors with which a part is sent again. */
type Passing = RetryPolicy.Retryable | TransferStalled

export type PartFailure = UploadsService.AddPartError | SourceError | TransferStalled

const isPassing = (error: PartFailure): error is Passing =>
  RetryPolicy.isRetryable(error) || error._tag === "TransferStalled"

/** How long the service asks to wait. */
const retryAfter = (error: Passing): Duration.Duration =>
  ("retryAfter" in error ? error.retryAfter : undefined) ?? Duration.zero

export interface PartSender {
  /** One part, sent until it is acknowledged or the policy gives up. */
  readonly send: (part: PartToSend) => Effect.Effect<UploadPart, PartFailure>
}

export const make = (options: {
  readonly uploads: UploadsService.Service
  readonly uploadId: UploadId
  readonly explain: Source["explain"]
  readonly progress: Progress
  /** The service may have taken a part without our hearing of it. */
  readonly onUnheard: () => void
  readonly stallTimeout: Duration.Duration
  readonly retryPolicy: Schedule.Schedule<unknown>
  readonly emit: (event: TransferEvent.TransferEvent) => Effect.Effect<void>
}): Effect.Effect<PartSender> =>
  Effect.gen(function*() {
    const { emit, explain, onUnheard, progress, retryPolicy, stallTimeout, uploadId, uploads } = options
    const slowdown = yield* makeSlowdown

    const attempt = ({ data, range }: PartToSend) =>
      Effect.gen(function*() {
        yield* slowdown.wait
        progress.begin(range.index)
        const clock = yield* Effect.clock
        const lastByte = MutableRef.make(clock.unsafeCurrentTimeMillis())
        const observed = PartData.withProgress(data, (bytes) => {
          progress.add(range.index, bytes)
          MutableRef.set(lastByte, clock.unsafeCurrentTimeMillis())
        })
        return yield* uploads.addPart(uploadId, observed).pipe(
          // Lanes slow down together, which a retry within the client would not.
          Effect.provideService(RetryPolicy.LocalRetryPolicy, Option.some(RetryPolicy.none)),
          Effect.raceFirst(stalled(lastByte, stallTimeout)),
          Effect.catchTags({
            PartUnreadable: (error) => Effect.fail(explain(error)),
            PartLengthMismatch: (error) => Effect.fail(explain(error))
          })
        )
      })

    return {
      send: (part) => {
        const sent = (schedule: unknown, attempts: number): Effect.Effect<UploadPart, PartFailure> =>
          Effect.catchAll(attempt(part), (failure) =>
            isPassing(failure)
              ? Effect.gen(function*() {
                if (failure._tag !== "RateLimited") onUnheard()
                const asked = retryAfter(failure)
                if (Duration.greaterThan(asked, RetryPolicy.maximumRetryAfter)) return yield* Effect.fail(failure)
                if (failure._tag === "RateLimited") yield* slowdown.ask(asked)
                const now = yield* Clock.currentTimeMillis
                const [state, , decision] = yield* retryPolicy.step(now, failure, schedule)
                if (ScheduleDecision.isDone(decision)) return yield* Effect.fail(failure)
                const delay = Duration.millis(
                  Math.max(
                    ScheduleIntervals.start(decision.intervals) - now,
                    Duration.toMillis(asked),
                    yield* slowdown.left
                  )
                )
                yield* emit(
                  TransferEvent.Retrying({ index: part.range.index, attempt: attempts, reason: failure, delay })
                )
                yield* Effect.sleep(delay)
                return yield* sent(state, attempts + 1)
              })
              : Effect.fail(failure))
        return sent(retryPolicy.initial, 1)
      }
    }
  })

/** Fails once no byte was taken for the timeout. */
const stalled = (
  lastByte: MutableRef.MutableRef<number>,
  timeout: Duration.Duration
): Effect.Effect<never, TransferStalled> =>
  Effect.gen(function*() {
    while (true) {
      const quiet = (yield* Clock.currentTimeMillis) - MutableRef.get(lastByte)
      const left = Duration.toMillis(timeout) - quiet
      if (left <= 0) return yield* new TransferStalled({ after: timeout })
      yield* Effect.sleep(left)
    }
  })

/** What a service asks of one lane holds for all. */
const makeSlowdown = Effect.map(Ref.make(0), (until) => {
  const left = Effect.zipWith(Ref.get(until), Clock.currentTimeMillis, (until, now) => Math.max(0, until - now))
  const wait: Effect.Effect<void> = Effect.flatMap(
    left,
    (left) => left > 0 ? Effect.zipRight(Effect.sleep(left), wait) : Effect.void
  )
  return {
    left,
    wait,
    ask: (delay: Duration.Duration) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => Ref.update(until, (current) => Math.max(current, now + Duration.toMillis(delay)))
      )
  }
})
