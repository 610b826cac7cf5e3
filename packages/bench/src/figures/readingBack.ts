/** Figure 8: the download of a File. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, mebibytes, seconds, size, times } from "../Figure.js"
import type { Installation } from "../Installation.js"
import { interleave, median, ratio } from "../Statistics.js"

export interface Options {
  readonly bytes: number
  readonly partBytes: number
  readonly rounds: number
}

const MiB = 1024 ** 2

export const full: Options = { bytes: 1024 * MiB, partBytes: 64 * MiB, rounds: 9 }
export const quick: Options = { bytes: 64 * MiB, partBytes: 8 * MiB, rounds: 1 }

const largeReads = 256 * 1024

const labels = {
  bare: "createReadStream piped to the response",
  bareLarge: `the same, reading ${size(largeReads)} at a time`,
  ours: "ours"
}

type Name = keyof typeof labels

const names: ReadonlyArray<Name> = ["bare", "bareLarge", "ours"]

const Files = Schema.parseJson(Schema.Struct({ data: Schema.NonEmptyArray(Schema.Struct({ id: Schema.String })) }))

/** The path of the only File on the server. */
const contentPath = (url: string) =>
  Effect.tryPromise(() => fetch(`${url}/v1/files`).then((response) => response.text())).pipe(
    Effect.flatMap(Schema.decode(Files)),
    Effect.map(({ data: [{ id }] }) => `/v1/files/${id}/content`)
  )

export const run = (installation: Installation, { bytes, partBytes, rounds }: Options) =>
  Effect.gen(function*() {
    const measure = (server: Child.Server, path: string) =>
      Child.measureServer(installation, server, "getFile", { path, bytes })

    const filled = (environment: Readonly<Record<string, string>>) =>
      Effect.gen(function*() {
        const server = yield* Child.server(installation, "bare", environment)
        yield* Child.measureServer(installation, server, "putParts", { protocol: "bodies", bytes, partBytes: bytes })
        return measure(server, "/1")
      })
    const bare = yield* filled({})
    const bareLarge = yield* filled({ BENCH_READ_BYTES: String(largeReads) })

    const server = yield* Child.server(installation, "ours")
    yield* Child.measureServer(installation, server, "putParts", { protocol: "uploads", bytes, partBytes })
    const ours = measure(server, yield* contentPath(server.url))

    const reads = { bare, bareLarge, ours }
    // Our server writes around the page cache, so the first read of a File fills it.
    yield* Effect.all(Object.values(reads), { discard: true })
    const runs = yield* interleave(rounds, names.map((name) => ({ name, run: reads[name] })))
    const walls = (name: Name) => (runs.get(name) ?? []).map(({ wallMillis }) => wallMillis)
    const cpus = (name: Name) => (runs.get(name) ?? []).map(({ cpuMillis }) => cpuMillis)
    const peaks = (name: Name) => (runs.get(name) ?? []).map(({ peakBytes }) => peakBytes)

    const report: Report = {
      figure: 8,
      title: "Downloading a File",
      setting: `A File of ${size(bytes)}, which is in the page cache, to a client that discards it; ` +
        `median of ${rounds}. Ours is ${bytes / partBytes} parts, each compared with its checksum.`,
      columns: ["server", "time", "MiB/s", "throughput to the first", "CPU time", "ratio", "peak memory"],
      rows: names.map((name) => [
        labels[name],
        seconds(median(walls(name))),
        (bytes / MiB / (median(walls(name)) / 1000)).toFixed(0),
        times(ratio(walls("bare"), walls(name))),
        seconds(median(cpus(name))),
        times(ratio(cpus(name), cpus("bare"))),
        mebibytes(median(peaks(name)))
      ]),
      targets: [
        bound("ours: at least 0.8 × the throughput of the bare server", ratio(walls("bare"), walls("ours")), {
          atLeast: 0.8
        })
      ],
      runs: Object.fromEntries(runs)
    }
    return report
  }).pipe(Effect.scoped)
