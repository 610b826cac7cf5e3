/** Figure 4: small requests, in pairs of create and cancel. */
import * as Effect from "effect/Effect"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, mebibytes, times } from "../Figure.js"
import type { Installation } from "../Installation.js"
import { interleave, median, ratio } from "../Statistics.js"

export interface Options {
  readonly pairs: number
  readonly rounds: number
}

export const full: Options = { pairs: 5000, rounds: 5 }
export const quick: Options = { pairs: 500, rounds: 1 }

const concurrency = 16

const labels = {
  oursPairs: "ours",
  oursPortablePairs: "ours, portable",
  openaiPairs: "openai",
  nodePairs: "the HttpClient of NodeUploads alone",
  platformPairs: "undici as HttpClient of @effect/platform alone"
}

type Name = keyof typeof labels

const names: ReadonlyArray<Name> = ["oursPairs", "oursPortablePairs", "openaiPairs", "nodePairs", "platformPairs"]

export const run = (installation: Installation, { pairs, rounds }: Options) =>
  Effect.gen(function*() {
    const apiUrl = yield* Child.sink(installation)
    const runs = yield* interleave(
      rounds,
      names.map((name) => ({ name, run: Child.measure(installation, name, { apiUrl, concurrency, pairs }) }))
    )
    const walls = (name: Name) => (runs.get(name) ?? []).map(({ wallMillis }) => wallMillis)
    const cpus = (name: Name) => (runs.get(name) ?? []).map(({ cpuMillis }) => cpuMillis)
    const peaks = (name: Name) => (runs.get(name) ?? []).map(({ peakBytes }) => peakBytes)

    const report: Report = {
      figure: 4,
      title: "Small requests",
      setting: `${pairs} Uploads created and cancelled, ${concurrency} at a time; median of ${rounds}.`,
      columns: ["client", "pairs a second", "to openai", "CPU time a pair", "to openai", "peak memory"],
      rows: names.map((name) => [
        labels[name],
        (pairs / median(walls(name)) * 1000).toFixed(0),
        times(ratio(walls("openaiPairs"), walls(name))),
        `${(median(cpus(name)) / pairs).toFixed(3)} ms`,
        times(ratio(cpus(name), cpus("openaiPairs"))),
        mebibytes(median(peaks(name)))
      ]),
      targets: [
        bound("ours: at least 1.5 × the rate of openai", ratio(walls("openaiPairs"), walls("oursPairs")), {
          atLeast: 1.5
        }),
        bound("ours: less CPU time a pair than openai", ratio(cpus("oursPairs"), cpus("openaiPairs")), { atMost: 1 })
      ],
      runs: Object.fromEntries(runs)
    }
    return report
  }).pipe(Effect.scoped)
