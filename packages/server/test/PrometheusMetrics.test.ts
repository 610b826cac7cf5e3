import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as Prometheus from "../src/internal/http/prometheusMetrics.js"

/** The lines of one metric. */
const linesOf = (name: string) =>
  Effect.map(Prometheus.snapshot, (text) => text.split("\n").filter((line) => line.includes(name)))

describe("the Prometheus text format", () => {
  it.effect("has a line for each set of tags of a counter, below one header", () =>
    Effect.gen(function*() {
      const counter = Metric.counter("test_counter_total", { description: "Tells\n\\ all", incremental: true })
      yield* Metric.update(Metric.tagged(counter, "who", "a \"b\"\n\\c"), 2)
      yield* Metric.update(Metric.tagged(counter, "who", "d"), 3)
      const [help, type, ...samples] = yield* linesOf("test_counter_total")
      expect(help).toBe("# HELP test_counter_total Tells\\n\\\\ all")
      expect(type).toBe("# TYPE test_counter_total counter")
      expect(samples.sort()).toEqual([
        "test_counter_total{who=\"a \\\"b\\\"\\n\\\\c\"} 2",
        "test_counter_total{who=\"d\"} 3"
      ])
    }))

  it.effect("replaces the characters that Prometheus does not allow in names", () =>
    Effect.gen(function*() {
      yield* Metric.set(Metric.gauge("9 test-gauge"), 1.5)
      expect(yield* linesOf("test_gauge")).toEqual(["# TYPE _9_test_gauge gauge", "_9_test_gauge 1.5"])
    }))

  it.effect("has cumulative buckets up to +Inf, the sum and the count of a histogram", () =>
    Effect.gen(function*() {
      const histogram = Metric.histogram("test_histogram", MetricBoundaries.fromIterable([1, 2]))
      for (const value of [0.5, 1.5, 1.75, 9]) yield* Metric.update(histogram, value)
      expect(yield* linesOf("test_histogram")).toEqual([
        "# TYPE test_histogram histogram",
        "test_histogram_bucket{le=\"1\"} 1",
        "test_histogram_bucket{le=\"2\"} 3",
        "test_histogram_bucket{le=\"+Inf\"} 4",
        "test_histogram_sum 12.75",
        "test_histogram_count 4"
      ])
    }))

  it.effect("has the quantiles of a summary and a line for each word of a frequency", () =>
    Effect.gen(function*() {
      const summary = Metric.summary({
        name: "test_summary",
        maxAge: "1 hour",
        maxSize: 10,
        error: 0,
        quantiles: [0.5]
      })
      for (const value of [2, 2, 2]) yield* Metric.update(summary, value)
      expect(yield* linesOf("test_summary")).toEqual([
        "# TYPE test_summary summary",
        "test_summary{quantile=\"0.5\"} 2",
        "test_summary_sum 6",
        "test_summary_count 3"
      ])
      const frequency = Metric.frequency("test_frequency")
      yield* Metric.update(frequency, "word")
      expect(yield* linesOf("test_frequency")).toEqual([
        "# TYPE test_frequency counter",
        "test_frequency{key=\"word\"} 1"
      ])
    }))
})
