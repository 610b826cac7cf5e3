/** Figure 4: small requests, in pairs of create and cancel. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Child from "../Child.js"
import type { Report, Target } from "../Figure.js"
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

/** The newest version of the official client needs a newer Node than the oldest one that we support. */
const newerNode = 22

interface Candidate {
  readonly name: string
  readonly client: string
  readonly executable?: string
}

/** The clients on one version of Node. The others are compared with the official one. */
interface Group {
  readonly official: Candidate
  readonly ours: Candidate
  readonly others: ReadonlyArray<Candidate>
}

const oldest: Group = {
  official: { name: "openai", client: "openaiPairs" },
  ours: { name: "ours", client: "oursPairs" },
  others: [
    { name: "ours, portable", client: "oursPortablePairs" },
    { name: "the HttpClient of NodeUploads alone", client: "nodePairs" },
    { name: "undici as HttpClient of @effect/platform alone", client: "platformPairs" }
  ]
}

const newest = (executable: string): Group => ({
  official: { name: `openai, newest, Node ${newerNode}`, client: "openaiNewestPairs", executable },
  ours: { name: `ours, Node ${newerNode}`, client: "oursPairs", executable },
  others: []
})

const all = ({ official, others, ours }: Group): ReadonlyArray<Candidate> => [ours, official, ...others]

export const run = (installation: Installation, { pairs, rounds }: Options) =>
  Effect.gen(function*() {
    const apiUrl = yield* Child.sink(installation)
    const executable = yield* Child.nodeOf(newerNode)
    const groups = [oldest, ...Option.toArray(Option.map(executable, newest))]
    const runs = yield* interleave(
      rounds,
      groups.flatMap(all).map(({ client, executable, name }) => ({
        name,
        run: Child.measureColdAndWarm(installation, client, { apiUrl, concurrency, pairs }, executable)
      }))
    )

    /** The rate and the CPU time of a client, and their ratios to those of the official one. */
    const compare = (candidate: Candidate, official: Candidate, state: "cold" | "warm") => {
      const all = ({ name }: Candidate) => (runs.get(name) ?? []).map((run) => run[state])
      const walls = (of: Candidate) => all(of).map(({ wallMillis }) => wallMillis)
      const cpus = (of: Candidate) => all(of).map(({ cpuMillis }) => cpuMillis)
      return {
        rate: pairs / median(walls(candidate)) * 1000,
        rateRatio: ratio(walls(official), walls(candidate)),
        cpuMillis: median(cpus(candidate)) / pairs,
        cpuRatio: ratio(cpus(candidate), cpus(official)),
        peakBytes: median(all(candidate).map(({ peakBytes }) => peakBytes))
      }
    }

    const report: Report = {
      figure: 4,
      title: "Small requests",
      setting:
        `${pairs} Uploads created and cancelled in a new process (cold), and as many again (warm), ${concurrency} at ` +
        `a time; median of ${rounds}.`,
      columns: ["client", "state", "pairs a second", "to openai", "CPU time a pair", "to openai", "peak memory"],
      rows: groups.flatMap((group) =>
        all(group).flatMap((candidate) =>
          (["cold", "warm"] as const).map((state) => {
            const { cpuMillis, cpuRatio, peakBytes, rate, rateRatio } = compare(candidate, group.official, state)
            return [
              candidate.name,
              state,
              rate.toFixed(0),
              times(rateRatio),
              `${cpuMillis.toFixed(3)} ms`,
              times(cpuRatio),
              mebibytes(peakBytes)
            ]
          })
        )
      ),
      targets: groups.flatMap(({ official, ours }) =>
        (["cold", "warm"] as const).flatMap((state): ReadonlyArray<Target> => {
          const { cpuRatio, rateRatio } = compare(ours, official, state)
          return [
            bound(`${ours.name}, ${state}: at least 1.5 × the rate of ${official.name}`, rateRatio, { atLeast: 1.5 }),
            bound(`${ours.name}, ${state}: at most 0.7 × the CPU time of ${official.name}`, cpuRatio, { atMost: 0.7 })
          ]
        })
      ),
      runs: Object.fromEntries(runs)
    }
    return report
  }).pipe(Effect.scoped)
