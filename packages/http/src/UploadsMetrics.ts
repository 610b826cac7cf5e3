/**
 * The metrics of the clients.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"
import * as MetricKey from "effect/MetricKey"

/** @internal */
export const requestsKey = MetricKey.counter("effect_uploads_requests_total", {
  description: "Finished calls by operation and outcome",
  incremental: true
})

/**
 * Finished calls, tagged with `operation` (such as `uploads.create`) and `outcome`: `success`, the tag of the error,
 * `interrupted` or `defect`. A call with retries counts once.
 *
 * @since 0.1.0
 * @category metrics
 */
export const requests: Metric.Metric.Counter<number> = Metric.fromMetricKey(requestsKey)

/**
 * Bytes of parts that a service acknowledged.
 *
 * @since 0.1.0
 * @category metrics
 */
export const bytesSent = Metric.counter("effect_uploads_bytes_sent_total", {
  description: "Bytes of acknowledged parts",
  incremental: true
})
