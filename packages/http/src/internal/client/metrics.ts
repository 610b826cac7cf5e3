import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as MetricKey from "effect/MetricKey"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as UploadsMetrics from "../../UploadsMetrics.js"

/** A cache: `Metric.tagged` would look the metric up in the registry at each call. */
const requestCounters = new Map<string, typeof UploadsMetrics.requests>()

const requestCounter = (operation: string, outcome: string): typeof UploadsMetrics.requests => {
  const key = `${operation} ${outcome}`
  const known = requestCounters.get(key)
  if (known !== undefined) return known
  const tagged = Metric.fromMetricKey(
    UploadsMetrics.requestsKey.pipe(MetricKey.tagged("operation", operation), MetricKey.tagged("outcome", outcome))
  )
  requestCounters.set(key, tagged)
  return tagged
}

const count = (operation: string, outcome: string): Effect.Effect<void> =>
  Metric.update(requestCounter(operation, outcome), 1)

/** Counts a call by its outcome. */
export const countCall = (name: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.onExit(effect, (exit) => count(name, Exit.match(exit, { onSuccess: () => "success", onFailure: outcomeOf })))

/** Counts a download by its outcome, and its bytes in the span. A download that is not read to its end is interrupted. */
export const countDownload =
  (name: string) => <E, R>(stream: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Uint8Array, E, R> =>
    Stream.unwrap(Effect.map(Effect.option(Effect.currentSpan), (span) => {
      let bytes = 0
      let outcome = "interrupted"
      return stream.pipe(
        Stream.tap((chunk) =>
          Effect.sync(() => {
            bytes += chunk.byteLength
          })
        ),
        Stream.onEnd(Effect.sync(() => {
          outcome = "success"
        })),
        Stream.tapErrorCause((cause) =>
          Effect.sync(() => {
            outcome = outcomeOf(cause)
          })
        ),
        Stream.ensuring(Effect.suspend(() => {
          if (Option.isSome(span)) span.value.attribute("bytes", bytes)
          return count(name, outcome)
        }))
      )
    }))

const outcomeOf = (cause: Cause.Cause<unknown>): string => {
  const failure = Cause.failureOption(cause)
  if (failure._tag === "Some") {
    return Predicate.hasProperty(failure.value, "_tag") ? String(failure.value._tag) : "failure"
  }
  return Cause.isInterruptedOnly(cause) ? "interrupted" : "defect"
}
