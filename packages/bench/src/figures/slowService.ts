/** Figure 3: many small parts to a service that takes its time for each. */
import * as Effect from "effect/Effect"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, seconds, size, times } from "../Figure.js"
import type { Installation } from "../Installation.js"
import * as SourceFile from "../SourceFile.js"
import { median, ratio } from "../Statistics.js"

export interface Options {
  readonly parts: number
  readonly partBytes: number
  readonly partMillis: number
  readonly rounds: number
}

/** 480 ms a part is what the real service was seen to take. */
export const full: Options = { parts: 128, partBytes: 64 * 1024, partMillis: 480, rounds: 3 }
export const quick: Options = { parts: 32, partBytes: 64 * 1024, partMillis: 120, rounds: 1 }

const concurrency = 8

export const run = (installation: Installation, { partBytes, partMillis, parts, rounds }: Options) =>
  Effect.gen(function*() {
    const bytes = parts * partBytes
    const path = yield* SourceFile.random(bytes)
    const apiUrl = yield* Child.sink(installation, { partMillis })
    const contestants = [
      { client: "ours", label: `ours, ${concurrency} at a time`, concurrency },
      { client: "oursPortable", label: `ours, portable, ${concurrency} at a time`, concurrency },
      { client: "ours", label: "ours, one by one", concurrency: 1 },
      { client: "openaiOneByOne", label: "openai, one by one", concurrency: 1 }
    ]
    // All that they do is wait: they run side by side without being in each other's way.
    const measured = yield* Effect.forEach(
      contestants,
      ({ client, concurrency, label }) =>
        Effect.map(
          Effect.replicateEffect(
            Child.measure(installation, client, { apiUrl, path, bytes, partBytes, concurrency }),
            rounds,
            { concurrency: "unbounded" }
          ),
          (runs) => ({ label, runs, walls: runs.map(({ wallMillis }) => wallMillis) })
        ),
      { concurrency: "unbounded" }
    )
    const walls = (label: string) => measured.find((one) => one.label === label)?.walls ?? []
    const lanes = walls(`ours, ${concurrency} at a time`)
    const oneByOne = walls("openai, one by one")

    const report: Report = {
      figure: 3,
      title: "A service that takes its time",
      setting:
        `${parts} parts of ${size(partBytes)}, each answered after ${partMillis} ms; median of ${rounds} runs, ` +
        `side by side, since they do nothing but wait.`,
      columns: ["client", "time", "faster than openai, one by one"],
      rows: measured.map(({ label, walls }) => [label, seconds(median(walls)), times(ratio(oneByOne, walls))]),
      targets: [
        bound(
          `ours, ${concurrency} at a time: at least 7 × faster than one by one`,
          ratio(oneByOne, lanes),
          { atLeast: 7 }
        )
      ],
      runs: Object.fromEntries(measured.map(({ label, runs }) => [label, runs]))
    }
    return report
  }).pipe(Effect.scoped)
