/** Figure 6: a server accepts a large file and responds after the file is on the disk. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, mebibytes, seconds, size, times } from "../Figure.js"
import type { Installation } from "../Installation.js"
import { interleave, median, ratio } from "../Statistics.js"

export interface Options {
  readonly bytes: number
  readonly partBytes: number
  readonly rounds: number
  /** The pause between two runs, in seconds. */
  readonly rest: number
}

const MiB = 1024 ** 2

export const full: Options = { bytes: 1024 * MiB, partBytes: 64 * MiB, rounds: 8, rest: 2 }
export const quick: Options = { bytes: 64 * MiB, partBytes: 8 * MiB, rounds: 1, rest: 0 }

const concurrency = 4

const candidates = [
  { name: "bare", server: "bare", label: "node:http to files, fsynced", protocol: "bodies", environment: {} },
  { name: "ours", server: "ours", label: "ours", protocol: "uploads", environment: {} },
  { name: "tus", server: "tus", label: "@tus/server, not fsynced", protocol: "tus", environment: {} },
  {
    name: "tusSynced",
    server: "tus",
    label: "@tus/server, fsynced",
    protocol: "tus",
    environment: { BENCH_FSYNC: "1" }
  }
] as const

type Name = typeof candidates[number]["name"]

export const run = (installation: Installation, { bytes, partBytes, rest, rounds }: Options) =>
  Effect.gen(function*() {
    const runs = yield* interleave(
      rounds,
      candidates.map(({ environment, name, protocol, server: program }) => ({
        name,
        run: Effect.gen(function*() {
          const server = yield* Child.server(installation, program, environment)
          const put = Child.measureServer(installation, server, "putParts", { protocol, bytes, partBytes, concurrency })
          // Warm up: V8 compiles for more than a second after a start, and a server that runs for days does not.
          yield* put
          // Flush the page cache, so that the next run does not pay for the writes of the warm-up.
          yield* Child.sync
          return yield* put
        }).pipe(Effect.scoped)
      })),
      Duration.seconds(rest)
    )
    const walls = (name: Name) => (runs.get(name) ?? []).map(({ wallMillis }) => wallMillis)
    const cpus = (name: Name) => (runs.get(name) ?? []).map(({ cpuMillis }) => cpuMillis)
    const peaks = (name: Name) => (runs.get(name) ?? []).map(({ peakBytes }) => peakBytes)

    const report: Report = {
      figure: 6,
      title: "Accepting a big file",
      setting:
        `${size(bytes)} in parts of ${size(partBytes)}, ${concurrency} at a time, from a plain node:http client ` +
        `over loopback, after the same once to warm up, with ${rest} s between two runs; median of ${rounds}.`,
      columns: ["server", "time", "MiB/s", "throughput to the bare server", "CPU time", "peak memory"],
      rows: candidates.map(({ label, name }) => [
        label,
        seconds(median(walls(name))),
        (bytes / MiB / (median(walls(name)) / 1000)).toFixed(0),
        times(ratio(walls("bare"), walls(name))),
        seconds(median(cpus(name))),
        mebibytes(median(peaks(name)))
      ]),
      targets: [
        bound("ours: at least 0.9 × the throughput of the bare server", ratio(walls("bare"), walls("ours")), {
          atLeast: 0.9
        }),
        bound("ours: ahead of @tus/server, which does not fsync", ratio(walls("tus"), walls("ours")), { atLeast: 1 }),
        bound("ours: ahead of @tus/server, fsynced", ratio(walls("tusSynced"), walls("ours")), { atLeast: 1 })
      ],
      runs: Object.fromEntries(runs)
    }
    return report
  })
