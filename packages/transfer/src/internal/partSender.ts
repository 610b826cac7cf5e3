import type { UploadId } from "@effect-uploads/domain/Ids"
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
import { LocalAttemptTimeout } from "@effect-uploads/http/ClientOptions"
import * as IdempotencyKey from "@effect-uploads/http/IdempotencyKey"
import * as PartData from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import { RequestTimeout } from "@effect-uploads/http/ServiceError"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type { SourceError } from "../SourceError.js"
import { TransferStalled } from "../TransferError.js"
import * as TransferEvent from "../TransferEvent.js"
import type { Connection } from "./connection.js"
import type { OnEvent } from "./job.js"
import { monotonicMillis, unsafeMonotonicMillis } from "./lifetime.js"
import type { Progress } from "./progress.js"
import type { PartToSend, Source } from "./sources/source.js"

/** The failures after which a part is sent again. */
type Retryable = Extract<PartFailure, RetryPolicy.Retryable> | TransferStalled

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
  /** Default: 60 seconds, or longer on a slow connection. */
  readonly stallTimeout: Option.Option<Duration.Duration>
  readonly responseTimeout: Duration.Duration
  readonly connection: Connection
  readonly retryPolicy: Schedule.Schedule<unknown>
  readonly onEvent: OnEvent
}): PartSender => {
  const { explain, idempotencyKey, onAmbiguousFailure, onEvent, progress, retryPolicy } = options
  const { connection: { pause, uplink }, responseTimeout, stallTimeout, uploadId, uploads } = options

  const attempt = ({ data, range }: PartToSend) =>
    Effect.gen(function*() {
      yield* pause.wait
      progress.begin(range.index)
      const clock = yield* Effect.clock
      const state = { lastByteAt: unsafeMonotonicMillis(clock), taken: 0 }
      const allTaken = yield* Deferred.make<void>()
      const tracked = PartData.withProgress(data, (bytes) => {
        progress.add(range.index, bytes)
        const at = unsafeMonotonicMillis(clock)
        uplink.add({ bytes, at, wait: state.taken === 0 ? 0 : at - state.lastByteAt })
        state.taken += bytes
        state.lastByteAt = at
        if (state.taken >= range.bytes) Deferred.unsafeDone(allTaken, Effect.void)
      })
      /** Sending and waiting for the response are two phases: a proxy may take all bytes and forward them later. */
      const limits = failAfterSilence(
        state,
        () => Option.getOrElse(stallTimeout, uplink.stallTimeout),
        (after) => new TransferStalled({ after })
      ).pipe(
        Effect.raceFirst(Deferred.await(allTaken)),
        Effect.zipRight(failAfterSilence(state, () => responseTimeout, (after) => new RequestTimeout({ after })))
      )
      return yield* uploads.addPart(uploadId, tracked).pipe(
        // All attempts, those of a resumed transfer included, are one call: the service stores the part once.
        IdempotencyKey.withKey(`${idempotencyKey}/part-${range.index}`),
        // The retries are here and not in the client, because a rate limit pauses all parts together.
        Effect.provideService(RetryPolicy.LocalRetryPolicy, Option.some(RetryPolicy.none)),
        // The total time of an attempt has no limit, because a slow connection takes its time.
        Effect.provideService(LocalAttemptTimeout, Option.some(Duration.infinity)),
        Effect.raceFirst(limits),
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
      return Effect.acquireUseRelease(uplink.enter, () => sendFrom(retryPolicy.initial, 1), () => uplink.leave)
    }
  }
}

/** Fails when no byte was taken for the limit, which may change meanwhile. */
const failAfterSilence = <E>(
  state: { readonly lastByteAt: number },
  limit: () => Duration.Duration,
  expired: (after: Duration.Duration) => E
): Effect.Effect<never, E> =>
  Effect.gen(function*() {
    while (true) {
      const after = limit()
      const silence = (yield* monotonicMillis) - state.lastByteAt
      const remaining = Duration.toMillis(after) - silence
      if (remaining <= 0) return yield* Effect.fail(expired(after))
      yield* Effect.sleep(Math.ceil(remaining))
    }
  })
