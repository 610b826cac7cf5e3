/** Figure 7: the cost of durable Uploads that are created and cancelled. */
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, mebibytes, times } from "../Figure.js"
import type { Installation } from "../Installation.js"
import { interleave, median, ratio } from "../Statistics.js"

export interface Options {
  readonly pairs: number
  readonly rounds: number
  readonly fsyncs: number
}

export const full: Options = { pairs: 4000, rounds: 5, fsyncs: 200 }
export const quick: Options = { pairs: 400, rounds: 1, fsyncs: 20 }

const concurrency = 64

const candidates = [
  { name: "memory", label: "in memory", path: "" },
  { name: "ours", label: "ours, durable on SQLite", path: "/v1" }
] as const

type Name = typeof candidates[number]["name"]

const Fsyncs = Schema.parseJson(Schema.Struct({ millis: Schema.Array(Schema.Number) }))

/** The time of an fsync for each of some pages, on the disk of the servers. */
const fsync = (installation: Installation, count: number) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped({ prefix: "effect-uploads-bench-" })
    const program = installation.module("programs/fsync")
    const line = yield* Child.output("fsync", Command.make(process.execPath, program, directory, String(count)))
    return yield* Schema.decode(Fsyncs)(line)
  }).pipe(Effect.scoped)

export const run = (installation: Installation, { fsyncs, pairs, rounds }: Options) =>
  Effect.gen(function*() {
    const disk: Array<number> = []
    const runs = yield* interleave(
      rounds,
      candidates.map(({ name, path }) => ({
        name,
        run: Effect.gen(function*() {
          // Measured before each run, because the load of the disk changes from minute to minute.
          const { millis } = yield* fsync(installation, fsyncs)
          disk.push(median(millis))
          const server = yield* Child.server(installation, name, { UPLOADS_API_KEYS: "bench:sk-bench" })
          return yield* Child.measureServer(installation, server, "putPairs", { path, pairs, concurrency })
        }).pipe(Effect.scoped)
      }))
    )
    const walls = (name: Name) => (runs.get(name) ?? []).map(({ wallMillis }) => wallMillis)
    const cpus = (name: Name) => (runs.get(name) ?? []).map(({ cpuMillis }) => cpuMillis)
    const peaks = (name: Name) => (runs.get(name) ?? []).map(({ peakBytes }) => peakBytes)

    const report: Report = {
      figure: 7,
      title: "Durable Uploads",
      setting:
        `${pairs} Uploads created and cancelled over HTTP on ${concurrency} connections, after a quarter as many to ` +
        `warm up; median of ${rounds}. To write a page and fsync it took ${median(disk).toFixed(2)} ms here, ` +
        `${Math.min(...disk).toFixed(2)} to ${Math.max(...disk).toFixed(2)} before each run.`,
      columns: ["server", "pairs a second", "to the one in memory", "CPU time a pair", "ratio", "peak memory"],
      rows: candidates.map(({ label, name }) => [
        label,
        (pairs / median(walls(name)) * 1000).toFixed(0),
        times(ratio(walls("memory"), walls(name))),
        `${(median(cpus(name)) / pairs).toFixed(3)} ms`,
        times(ratio(cpus(name), cpus("memory"))),
        mebibytes(median(peaks(name)))
      ]),
      targets: [
        bound("ours: at least half the rate of the one in memory", ratio(walls("memory"), walls("ours")), {
          atLeast: 0.5
        })
      ],
      runs: { ...Object.fromEntries(runs), fsyncMillis: disk }
    }
    return report
  })
