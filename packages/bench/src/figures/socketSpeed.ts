/** Figure 1: a large file over loopback to a sink that discards it. */
import * as Command from "@effect/platform/Command"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Child from "../Child.js"
import type { Task } from "../clients/internal/task.js"
import type { Report } from "../Figure.js"
import { bound, mebibytes, seconds, size, times } from "../Figure.js"
import type { Installation } from "../Installation.js"
import * as SourceFile from "../SourceFile.js"
import { interleave, median, ratio } from "../Statistics.js"

export interface Options {
  readonly bytes: number
  readonly partBytes: number
  readonly rounds: number
  /** The read sizes to try for the clients that leave it to their caller. Each client uses its fastest one. */
  readonly chunkSizes: readonly [number, ...ReadonlyArray<number>]
}

const MiB = 1024 ** 2

const chunkSizes = [64 * 1024, 256 * 1024, MiB] as const

export const full: Options = { bytes: 1024 * MiB, partBytes: 64 * MiB, rounds: 5, chunkSizes }
export const quick: Options = { bytes: 64 * MiB, partBytes: 8 * MiB, rounds: 1, chunkSizes }

const concurrency = 4

/** For `openssl` only the time is known. */
interface Run {
  readonly wallMillis: number
  readonly cpuMillis?: number
  readonly peakBytes?: number
}

/** Reads and hashes the file: the least cost of its md5. */
const openssl = (path: string) =>
  Effect.gen(function*() {
    const before = yield* Clock.currentTimeNanos
    yield* Child.output("openssl", Command.make("openssl", "md5", path))
    const run: Run = { wallMillis: Number((yield* Clock.currentTimeNanos) - before) / 1e6 }
    return run
  })

/** Two programs that know nothing of each other, on the same cores: the time until both have ended. */
const beside = <E1, R1, E2, R2>(one: Effect.Effect<unknown, E1, R1>, other: Effect.Effect<unknown, E2, R2>) =>
  Effect.map(
    Effect.timed(Effect.zip(one, other, { concurrent: true })),
    ([elapsed]): Run => ({ wallMillis: Duration.toMillis(elapsed) })
  )

const labels = {
  baseline: "node:http, the baseline",
  openssl: "openssl md5 of the file",
  beside: "the baseline, and openssl md5 beside it",
  openaiOneByOne: "openai, one by one",
  openaiBlobs: "openai, 4 Blob slices at a time",
  openaiStreams: "openai, 4 read streams at a time, no retries",
  ours: "ours",
  oursMd5: "ours, md5",
  portable: "ours, portable",
  portableMd5: "ours, portable, md5"
}

type Name = keyof typeof labels

export const run = (installation: Installation, { bytes, chunkSizes, partBytes, rounds }: Options) =>
  Effect.gen(function*() {
    const path = yield* SourceFile.random(bytes)
    const apiUrl = yield* Child.sink(installation)
    const measure = (client: string, task: Partial<Task> = {}) =>
      Child.measure(installation, client, { apiUrl, path, bytes, partBytes, concurrency, ...task })

    const fastest = (client: string) =>
      interleave(
        Math.min(rounds, 4),
        chunkSizes.map((chunkBytes) => ({
          name: `${client} that reads ${size(chunkBytes)} at a time`,
          run: Effect.map(measure(client, { chunkBytes }), ({ wallMillis }) => ({ chunkBytes, wallMillis }))
        }))
      ).pipe(
        // Compare by the second-best time, because the best one may be an outlier.
        Effect.map((tried) =>
          [...tried.values()].flatMap((tries) =>
            [...tries].sort((a, b) => a.wallMillis - b.wallMillis).slice(0, 2).slice(-1)
          )
            .reduce((best, one) => one.wallMillis < best.wallMillis ? one : best).chunkBytes
        )
      )
    const chunkBytes = { baseline: yield* fastest("baseline"), openaiStreams: yield* fastest("openaiStreams") }

    const candidates: ReadonlyArray<{
      readonly name: Name
      readonly run: Effect.Effect<Run, Effect.Effect.Error<ReturnType<typeof measure>>, CommandExecutor>
      readonly rounds?: number
    }> = [
      { name: "baseline", run: measure("baseline", { chunkBytes: chunkBytes.baseline }) },
      { name: "ours", run: measure("ours") },
      { name: "portable", run: measure("oursPortable") },
      { name: "openaiOneByOne", run: measure("openaiOneByOne") },
      { name: "openaiBlobs", run: measure("openaiBlobs") },
      { name: "openaiStreams", run: measure("openaiStreams", { chunkBytes: chunkBytes.openaiStreams }) },
      { name: "openssl", run: openssl(path) },
      { name: "beside", run: beside(measure("baseline", { chunkBytes: chunkBytes.baseline }), openssl(path)) },
      { name: "oursMd5", run: measure("ours", { checksum: true }) },
      // One round only: it takes as long as all others together, and it has no target.
      { name: "portableMd5", run: measure("oursPortable", { checksum: true }), rounds: 1 }
    ]
    const runs = yield* interleave(rounds, candidates)
    const walls = (name: Name) => (runs.get(name) ?? []).map(({ wallMillis }) => wallMillis)
    const cpus = (name: Name) => (runs.get(name) ?? []).flatMap(({ cpuMillis }) => cpuMillis ?? [])
    const peaks = (name: Name) => (runs.get(name) ?? []).flatMap(({ peakBytes }) => peakBytes ?? [])

    const quickest = (names: readonly [Name, ...ReadonlyArray<Name>]) =>
      names.reduce((best, name) => median(walls(name)) < median(walls(best)) ? name : best)
    const official = quickest(["openaiOneByOne", "openaiBlobs", "openaiStreams"])
    const retrying = quickest(["openaiOneByOne", "openaiBlobs"])
    const slower = median(walls("baseline")) > median(walls("openssl")) ? "baseline" : "openssl"

    const report: Report = {
      figure: 1,
      title: "A large file at the speed of the socket",
      setting: `${size(bytes)} in parts of ${size(partBytes)}, ${concurrency} at a time, over loopback to a ` +
        `sink that discards them; median of ${rounds} (portable with md5: one run). The baseline reads ${
          size(chunkBytes.baseline)
        } at a time, the ` +
        `read streams for openai ${size(chunkBytes.openaiStreams)}.`,
      columns: ["client", "time", "to the baseline", "CPU time", "to the baseline", "MiB/s", "peak memory"],
      rows: candidates.map(({ name }) => [
        labels[name],
        seconds(median(walls(name))),
        times(ratio(walls(name), walls("baseline"))),
        ...(cpus(name).length === 0
          ? ["", ""]
          : [seconds(median(cpus(name))), times(ratio(cpus(name), cpus("baseline")))]),
        (bytes / MiB / (median(walls(name)) / 1000)).toFixed(0),
        peaks(name).length === 0 ? "" : mebibytes(median(peaks(name)))
      ]),
      targets: [
        bound("ours: at most 1.1 × the baseline's time", ratio(walls("ours"), walls("baseline")), { atMost: 1.1 }),
        bound("ours: at most 1.2 × the baseline's CPU time", ratio(cpus("ours"), cpus("baseline")), { atMost: 1.2 }),
        bound(
          `ours: at least 2 × faster than the fastest official form (${labels[official]})`,
          ratio(walls(official), walls("ours")),
          { atLeast: 2 }
        ),
        bound(
          `ours: at least 4 × faster than the fastest that can retry (${labels[retrying]})`,
          ratio(walls(retrying), walls("ours")),
          { atLeast: 4 }
        ),
        bound(
          `ours, md5: at most 1.15 × the larger of the baseline and openssl (${labels[slower]})`,
          ratio(walls("oursMd5"), walls(slower)),
          { atMost: 1.15 }
        )
      ],
      runs: { chunkBytes, ...Object.fromEntries(runs) }
    }
    return report
  }).pipe(Effect.scoped)
