/** Figure 9: the peak memory of a server that receives many concurrent parts. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, mebibytes, seconds, size } from "../Figure.js"
import type { Installation } from "../Installation.js"
import { interleave, median } from "../Statistics.js"

export interface Options {
  readonly partBytes: number
  readonly rounds: number
  /** The pause between two runs, in seconds. */
  readonly rest: number
}

const MiB = 1024 ** 2

export const full: Options = { partBytes: 64 * MiB, rounds: 3, rest: 2 }
export const quick: Options = { partBytes: 4 * MiB, rounds: 1, rest: 0 }

const concurrency = 32

const candidates = [
  { name: "ours", label: "ours", protocol: "uploads" },
  { name: "bare", label: "node:http to files, for comparison", protocol: "bodies" }
] as const

export const run = (installation: Installation, { partBytes, rest, rounds }: Options) =>
  Effect.gen(function*() {
    const bytes = partBytes * concurrency
    const runs = yield* interleave(
      rounds,
      candidates.map(({ name, protocol }) => ({
        name,
        run: Effect.scoped(Effect.flatMap(
          Child.server(installation, name),
          (server) => Child.measureServer(installation, server, "putParts", { protocol, bytes, partBytes, concurrency })
        ))
      })),
      Duration.seconds(rest)
    )
    const peaks = (name: typeof candidates[number]["name"]) =>
      median((runs.get(name) ?? []).map(({ peakBytes }) => peakBytes))

    const report: Report = {
      figure: 9,
      title: "Many concurrent parts",
      setting: `${concurrency} concurrent parts of ${size(partBytes)}; the peak of the whole process, Node included, ` +
        `median of ${rounds}.`,
      columns: ["server", "peak memory", "time"],
      rows: candidates.map(({ label, name }) => [
        label,
        mebibytes(peaks(name)),
        seconds(median((runs.get(name) ?? []).map(({ wallMillis }) => wallMillis)))
      ]),
      targets: [bound("ours: under 200 MiB", peaks("ours"), { atMost: 200 * MiB }, mebibytes)],
      runs: Object.fromEntries(runs)
    }
    return report
  })
