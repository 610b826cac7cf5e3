import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as MetricKey from "effect/MetricKey"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as UploadsMetrics from "../../UploadsMetrics.js"

/** The metric of a tagged key is looked up once for each pair; that of a metric tagged later, for each call. */
const requests = new Map<string, typeof UploadsMetrics.requests>()

const requestsOf = (operation: string, outcome: string): typeof UploadsMetrics.requests => {
  const key = `${operation} ${outcome}`
  const known = requests.get(key)
  if (known !== undefined) return known
  const tagged = Metric.fromMetricKey(
    UploadsMetrics.requestsKey.pipe(MetricKey.tagged("operation", operation), MetricKey.tagged("outcome", outcome))
  )
  requests.set(key, tagged)
  return tagged
}

const count = (operation: string, outcome: string): Effect.Effect<void> =>
  Metric.update(requestsOf(operation, outcome), 1)

/** Counts how a call ends. */
export const countCall = (name: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.onExit(effect, (exit) => count(name, Exit.match(exit, { onSuccess: () => "success", onFailure: outcomeOf })))

/** Counts how a download ends, and its bytes. One that its reader leaves before the end is interrupted. */
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
