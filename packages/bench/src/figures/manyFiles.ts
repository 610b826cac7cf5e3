/** Figure 11: many small files and some large ones. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, seconds, size } from "../Figure.js"
import type { Installation } from "../Installation.js"
import * as SourceFile from "../SourceFile.js"
import { interleave, median, ratio } from "../Statistics.js"

export interface Options {
  readonly smallFiles: number
  readonly smallBytes: number
  readonly largeFiles: number
  readonly largeBytes: number
  /** The time from the last byte of each request to its response. */
  readonly requestMillis: number
  /** One after the other, only one file in so many is sent. */
  readonly sample: number
  readonly rounds: number
}

/** A tenth of the delay that was measured at the real service. With the whole one, less of the time would be that of the client. */
const tenthOfTheDelay = 30

export const full: Options = {
  smallFiles: 10_000,
  smallBytes: 10 * 1024,
  largeFiles: 20,
  largeBytes: 64 * 1024 ** 2,
  requestMillis: tenthOfTheDelay,
  sample: 20,
  rounds: 1
}

export const quick: Options = {
  ...full,
  smallFiles: 400,
  largeFiles: 4,
  largeBytes: 4 * 1024 ** 2,
  sample: 4
}

/** A folder of links to one small and one large file. */
const folder = ({ largeBytes, largeFiles, smallBytes, smallFiles }: Options) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped({ prefix: "effect-uploads-bench-" })
    const link = (path: string, name: string, count: number) =>
      Effect.forEach(
        Array.from({ length: count }, (_, index) => index),
        (index) => fs.symlink(path, `${directory}/${name}-${index}.bin`),
        { discard: true }
      )
    yield* link(yield* SourceFile.random(smallBytes), "small", smallFiles)
    yield* link(yield* SourceFile.random(largeBytes), "large", largeFiles)
    return directory
  })

export const run = (installation: Installation, options: Options) =>
  Effect.gen(function*() {
    const { largeBytes, largeFiles, requestMillis, rounds, sample, smallBytes, smallFiles } = options
    const files = smallFiles + largeFiles
    const sampled = { ...options, smallFiles: smallFiles / sample, largeFiles: largeFiles / sample }
    const apiUrl = yield* Child.sink(installation, { partMillis: requestMillis, otherMillis: requestMillis })
    const send = (client: string, path: string) => Child.measure(installation, client, { apiUrl, path })
    const runs = yield* interleave(rounds, [
      { name: "Transfer.files", run: send("oursFiles", yield* folder(options)) },
      { name: "Transfer.file, one after the other", run: send("oursFilesOneByOne", yield* folder(sampled)) }
    ])
    const walls = (name: Parameters<typeof runs.get>[0], share: number) =>
      (runs.get(name) ?? []).map(({ wallMillis }) => wallMillis / share)
    const together = walls("Transfer.files", files)
    const oneByOne = walls("Transfer.file, one after the other", files / sample)
    const row = (name: Parameters<typeof runs.get>[0], count: number, perFile: ReadonlyArray<number>) => [
      name,
      String(count),
      seconds(median(perFile) * count),
      `${(1000 / median(perFile)).toFixed(1)}`,
      `${(median((runs.get(name) ?? []).map(({ cpuMillis }) => cpuMillis)) / count).toFixed(2)} ms`
    ]

    const report: Report = {
      figure: 11,
      title: "Many files",
      setting: `${smallFiles} files of ${size(smallBytes)} and ${largeFiles} of ${size(largeBytes)}, ` +
        `each request with a response after ${requestMillis} ms; one after the other, one file in ${sample}.`,
      columns: ["client", "files", "time", "files a second", "CPU time a file"],
      rows: [
        row("Transfer.files", files, together),
        row("Transfer.file, one after the other", files / sample, oneByOne)
      ],
      targets: [bound("at least 5 × one after the other", ratio(oneByOne, together), { atLeast: 5 })],
      runs: Object.fromEntries(runs)
    }
    return report
  }).pipe(Effect.scoped)
