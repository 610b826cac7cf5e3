/** Figure 2: the peak memory of a transfer is independent of the size of the file. */
import * as Effect from "effect/Effect"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, mebibytes, seconds, size } from "../Figure.js"
import type { Installation } from "../Installation.js"
import * as SourceFile from "../SourceFile.js"
import { interleave, median } from "../Statistics.js"

export interface Options {
  readonly bytes: number
  readonly moreBytes: number
  readonly rounds: number
}

const MiB = 1024 ** 2

export const full: Options = { bytes: 1024 * MiB, moreBytes: 8 * 1024 * MiB, rounds: 3 }
export const quick: Options = { bytes: 64 * MiB, moreBytes: 256 * MiB, rounds: 1 }

const concurrency = 8

const clients = [
  { client: "ours", label: "ours" },
  { client: "oursPortable", label: "ours, portable" }
]

export const run = (installation: Installation, { bytes, moreBytes, rounds }: Options) =>
  Effect.gen(function*() {
    const apiUrl = yield* Child.sink(installation)
    const files = [
      { bytes, path: yield* SourceFile.sparse(bytes) },
      { bytes: moreBytes, path: yield* SourceFile.sparse(moreBytes) }
    ]
    const candidates = clients.flatMap(({ client, label }) =>
      files.map((file) => ({
        name: `${label}, ${size(file.bytes)}`,
        run: Child.measure(installation, client, { apiUrl, concurrency, ...file })
      }))
    )
    const runs = yield* interleave(rounds, candidates)
    const peaks = (bytes: number) => (runs.get(`ours, ${size(bytes)}`) ?? []).map(({ peakBytes }) => peakBytes)
    const apart = Math.abs(median(peaks(moreBytes)) / median(peaks(bytes)) - 1) * 100

    const report: Report = {
      figure: 2,
      title: "Peak memory for any file size",
      setting: `Sparse files of ${size(bytes)} and ${size(moreBytes)}, ${concurrency} parts at a time, without ` +
        `a checksum; the peak of the whole process, Node included, median of ${rounds}.`,
      columns: ["client and file", "peak memory", "time"],
      rows: candidates.map(({ name }) => [
        name,
        mebibytes(median((runs.get(name) ?? []).map(({ peakBytes }) => peakBytes))),
        seconds(median((runs.get(name) ?? []).map(({ wallMillis }) => wallMillis)))
      ]),
      targets: [
        bound("ours: the two within 10 % of each other", apart, { atMost: 10 }, (percent) => `${percent.toFixed(1)} %`),
        bound(
          "ours: both under 160 MiB",
          Math.max(median(peaks(bytes)), median(peaks(moreBytes))),
          { atMost: 160 * MiB },
          mebibytes
        )
      ],
      runs: Object.fromEntries(runs)
    }
    return report
  }).pipe(Effect.scoped)
