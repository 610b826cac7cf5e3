/**
 * Renders the metrics of Effect in the text format of Prometheus, version 0.0.4. The official SDK would bring a second metrics
 * registry for five kinds of lines.
 *
 * @since 0.1.0
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"
import * as Option from "effect/Option"

/**
 * @since 0.1.0
 * @category configuration
 */
export const contentType = "text/plain; version=0.0.4; charset=utf-8"

const nameOf = (name: string): string => name.replace(/[^a-zA-Z0-9_:]/g, "_").replace(/^(?=\d)/, "_")

const escape = (value: string): string => value.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, "\\\"")

const number = (value: number | bigint): string =>
  value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value)

type Labels = ReadonlyArray<readonly [name: string, value: string]>

const sample = (name: string, labels: Labels, value: number | bigint): string => {
  const text = labels.map(([name, value]) => `${nameOf(name)}="${escape(value)}"`).join(",")
  return `${name}${text === "" ? "" : `{${text}}`} ${number(value)}`
}

const renderState = (name: string, labels: Labels, state: MetricState.MetricState.Untyped): {
  readonly type: "counter" | "gauge" | "histogram" | "summary"
  readonly lines: ReadonlyArray<string>
} | undefined => {
  if (MetricState.isCounterState(state)) return { type: "counter", lines: [sample(name, labels, state.count)] }
  if (MetricState.isGaugeState(state)) return { type: "gauge", lines: [sample(name, labels, state.value)] }
  if (MetricState.isFrequencyState(state)) {
    return {
      type: "counter",
      lines: Array.from(state.occurrences, ([key, count]) => sample(name, [...labels, ["key", key]], count))
    }
  }
  if (MetricState.isHistogramState(state)) {
    return {
      type: "histogram",
      lines: [
        ...state.buckets.map(([boundary, count]) =>
          sample(`${name}_bucket`, [...labels, ["le", number(boundary)]], count)
        ),
        sample(`${name}_sum`, labels, state.sum),
        sample(`${name}_count`, labels, state.count)
      ]
    }
  }
  if (MetricState.isSummaryState(state)) {
    return {
      type: "summary",
      lines: [
        ...state.quantiles.flatMap(([quantile, value]) =>
          Option.match(value, {
            onNone: () => [],
            onSome: (value) => [sample(name, [...labels, ["quantile", number(quantile)]], value)]
          })
        ),
        sample(`${name}_sum`, labels, state.sum),
        sample(`${name}_count`, labels, state.count)
      ]
    }
  }
  return undefined
}

/**
 * The lines of one metric stand together, below its help and its type.
 *
 * @since 0.1.0
 * @category conversions
 */
const render = (pairs: ReadonlyArray<MetricPair.MetricPair.Untyped>): string => {
  const families = new Map<string, Array<string>>()
  for (const { metricKey, metricState } of pairs) {
    const name = nameOf(metricKey.name)
    const found = renderState(name, metricKey.tags.map(({ key, value }) => [key, value]), metricState)
    if (found === undefined) continue
    const lines = families.get(name) ?? [
      ...Option.match(metricKey.description, {
        onNone: () => [],
        onSome: (text: string) => [`# HELP ${name} ${text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}`]
      }),
      `# TYPE ${name} ${found.type}`
    ]
    lines.push(...found.lines)
    families.set(name, lines)
  }
  return Array.from(families.values(), (lines) => `${lines.join("\n")}\n`).join("")
}

/**
 * All metrics of the process.
 *
 * @since 0.1.0
 * @category conversions
 */
export const snapshot: Effect.Effect<string> = Effect.map(Metric.snapshot, render)
