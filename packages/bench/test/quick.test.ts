/** Runs the bench with small inputs, so that it keeps working. The tests do not check the measured values. */
import * as accepting from "@effect-uploads/bench/figures/accepting"
import * as durablePairs from "@effect-uploads/bench/figures/durablePairs"
import * as longestHold from "@effect-uploads/bench/figures/longestHold"
import * as manyFiles from "@effect-uploads/bench/figures/manyFiles"
import * as manyParts from "@effect-uploads/bench/figures/manyParts"
import * as readingBack from "@effect-uploads/bench/figures/readingBack"
import * as slowService from "@effect-uploads/bench/figures/slowService"
import * as socketSpeed from "@effect-uploads/bench/figures/socketSpeed"
import * as Installation from "@effect-uploads/bench/Installation"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"

const MiB = 1024 ** 2

const cells = (rows: ReadonlyArray<ReadonlyArray<string>>) => rows.flat().join(" ")

it.scopedLive(
  "runs the figures of the socket, of the slow service and of many files with all clients",
  () =>
    Effect.gen(function*() {
      const installation = yield* Installation.make
      const [speed, service, files] = yield* Effect.all([
        socketSpeed.run(installation, { bytes: 8 * MiB, partBytes: MiB, rounds: 1, chunkSizes: [MiB] }),
        slowService.run(installation, { parts: 16, partBytes: 4096, partMillis: 20, rounds: 1 }),
        manyFiles.run(installation, {
          smallFiles: 40,
          smallBytes: 1024,
          largeFiles: 2,
          largeBytes: 3 * MiB,
          requestMillis: 20,
          sample: 2,
          rounds: 1
        })
      ])
      expect(speed.rows).toHaveLength(10)
      expect(speed.targets).toHaveLength(5)
      expect(service.rows).toHaveLength(4)
      expect(service.targets).toHaveLength(1)
      expect(files.rows).toHaveLength(2)
      expect(files.targets).toHaveLength(1)
      expect(cells([...speed.rows, ...service.rows, ...files.rows])).not.toMatch(/NaN|Infinity/)
    }).pipe(Effect.provide([NodeContext.layer, Logger.minimumLogLevel(LogLevel.None)])),
  60_000
)

it.scopedLive(
  "runs the figures of the server with all servers",
  () =>
    Effect.gen(function*() {
      const installation = yield* Installation.make
      const reports = yield* Effect.all([
        accepting.run(installation, { bytes: 4 * MiB, partBytes: MiB, rounds: 1, rest: 0 }),
        durablePairs.run(installation, { pairs: 20, rounds: 1, fsyncs: 2 }),
        readingBack.run(installation, { bytes: 2 * MiB, partBytes: MiB, rounds: 1 }),
        manyParts.run(installation, { partBytes: 64 * 1024, rounds: 1, rest: 0 })
      ])
      expect(reports.map(({ rows }) => rows.length)).toEqual([4, 2, 3, 2])
      expect(reports.map(({ targets }) => targets.length)).toEqual([3, 1, 1, 1])
      expect(cells(reports.flatMap(({ rows }) => rows))).not.toMatch(/NaN|Infinity/)
    }).pipe(Effect.provide([NodeContext.layer, Logger.minimumLogLevel(LogLevel.None)])),
  60_000
)

it.scopedLive(
  "runs the figure of the event loop with every heavy request",
  () =>
    Effect.gen(function*() {
      const installation = yield* Installation.make
      const { rows, targets } = yield* longestHold.run(installation, {
        parts: 20,
        files: 20,
        expired: 20,
        rounds: 1,
        settle: 1
      })
      expect(rows.length).toBeGreaterThan(15)
      expect(targets).toHaveLength(1)
      // Each row is measured: no turn of a server takes no time.
      for (const [, millis = ""] of rows) expect(Number.parseFloat(millis)).toBeGreaterThan(0)
    }).pipe(Effect.provide([NodeContext.layer, Logger.minimumLogLevel(LogLevel.None)])),
  60_000
)
