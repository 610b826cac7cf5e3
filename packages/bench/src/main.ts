/**
 * `pnpm bench [--quick] [--figure N]`: measures the figures beside the alternatives, prints tables, and writes every run to a
 * file in `packages/bench/results`.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { parseArgs } from "node:util"
import * as Figure from "./Figure.js"
import * as accepting from "./figures/accepting.js"
import * as durablePairs from "./figures/durablePairs.js"
import * as footprint from "./figures/footprint.js"
import * as longestHold from "./figures/longestHold.js"
import * as manyFiles from "./figures/manyFiles.js"
import * as manyParts from "./figures/manyParts.js"
import * as pairs from "./figures/pairs.js"
import * as peakMemory from "./figures/peakMemory.js"
import * as readingBack from "./figures/readingBack.js"
import * as slowService from "./figures/slowService.js"
import * as socketSpeed from "./figures/socketSpeed.js"
import type { Installation } from "./Installation.js"
import * as Installations from "./Installation.js"
import * as Machine from "./Machine.js"

/** The command-line arguments are invalid. */
class UsageError extends Data.TaggedError("UsageError")<{ readonly problem: string }> {
  override get message(): string {
    return `${this.problem}\nUsage: pnpm bench [--quick] [--figure N], N from 1 to 11, more than one as 1,3`
  }
}

const figures = (installation: Installation, quick: boolean) => [
  socketSpeed.run(installation, quick ? socketSpeed.quick : socketSpeed.full),
  peakMemory.run(installation, quick ? peakMemory.quick : peakMemory.full),
  slowService.run(installation, quick ? slowService.quick : slowService.full),
  pairs.run(installation, quick ? pairs.quick : pairs.full),
  footprint.run(installation, quick ? footprint.quick : footprint.full),
  accepting.run(installation, quick ? accepting.quick : accepting.full),
  durablePairs.run(installation, quick ? durablePairs.quick : durablePairs.full),
  readingBack.run(installation, quick ? readingBack.quick : readingBack.full),
  manyParts.run(installation, quick ? manyParts.quick : manyParts.full),
  longestHold.run(installation, quick ? longestHold.quick : longestHold.full),
  manyFiles.run(installation, quick ? manyFiles.quick : manyFiles.full)
]

const readArguments = Effect.try({
  try: () =>
    parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        figure: { type: "string", default: "1,2,3,4,5,6,7,8,9,10,11" }
      }
    })
      .values,
  catch: (error) => new UsageError({ problem: error instanceof Error ? error.message : String(error) })
}).pipe(
  Effect.filterOrFail(
    ({ figure }) => /^([1-9]|1[01])(,([1-9]|1[01]))*$/.test(figure),
    ({ figure }) => new UsageError({ problem: `There is no figure ${figure}` })
  ),
  Effect.map(({ figure, quick }) => ({ quick, wanted: figure.split(",").map(Number) }))
)

const resultsPath = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const directory = yield* path.fromFileUrl(new URL("../results", import.meta.url))
  yield* fs.makeDirectory(directory, { recursive: true })
  const now = DateTime.formatIso(yield* DateTime.now).replace(/\.\d+Z$/, "Z").replaceAll(":", "-")
  return path.join(directory, `${now}.json`)
})

const main = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { quick, wanted } = yield* readArguments
  const machine = yield* Machine.describe
  const resultsFile = yield* resultsPath
  yield* Console.log(`${Machine.render(machine)}\n`)
  const installation = yield* Installations.make

  const reports: Array<Figure.Report> = []
  for (const [index, figure] of figures(installation, quick).entries()) {
    if (!wanted.includes(index + 1)) continue
    yield* Effect.logInfo(`Figure ${index + 1}`)
    const report = yield* figure
    reports.push(report)
    yield* Console.log(Figure.render(report))
    yield* fs.writeFileString(resultsFile, JSON.stringify({ machine, quick, reports }, undefined, 2))
  }
  const targets = reports.flatMap(({ targets }) => targets)
  yield* Console.log(
    `${targets.filter(({ met }) => met).length} of ${targets.length} targets met. Every run is in ${resultsFile}` +
      (quick ? "\nThese numbers are from a quick run. They show that the bench works and are not results." : "")
  )
})

/** Progress messages on the standard error, apart from the tables. */
const progress = Logger.replace(
  Logger.defaultLogger,
  Logger.withConsoleError(Logger.make(({ message }) => String(message)))
)

main.pipe(
  Effect.scoped,
  Effect.provide([NodeContext.layer, progress]),
  Effect.tapErrorCause((cause) =>
    Console.error(
      Option.match(Cause.failureOption(cause), {
        onNone: () => Cause.pretty(cause),
        onSome: (error) => error.message
      })
    )
  ),
  NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true })
)
