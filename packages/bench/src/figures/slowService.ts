/** Figure 3: many small parts to a service that takes its time for each. */
import * as Effect from "effect/Effect"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, seconds, size, times } from "../Figure.js"
import type { Installation } from "../Installation.js"
import * as SourceFile from "../SourceFile.js"
import { interleave, median, ratio } from "../Statistics.js"

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
    const send = (client: string, concurrency: number) =>
      Child.measure(installation, client, { apiUrl, path, bytes, partBytes, concurrency })
    const sideBySide = [
      { name: `ours, ${concurrency} at a time`, run: send("ours", concurrency) },
      { name: `ours, portable, ${concurrency} at a time`, run: send("oursPortable", concurrency) }
    ]
    const oneByOneEach = [
      { name: "ours, one by one", run: send("ours", 1) },
      { name: "openai, one by one", run: send("openaiOneByOne", 1) }
    ]
    // Who sends one part after the other waits for a minute and does next to nothing: all of them do it at the same time,
    // while the others take turns.
    const [fast, slow] = yield* Effect.all([
      interleave(rounds, sideBySide),
      Effect.forEach(
        oneByOneEach,
        ({ name, run }) =>
          Effect.map(
            Effect.replicateEffect(run, rounds, { concurrency: "unbounded" }),
            (runs) => [name, runs] as const
          ),
        { concurrency: "unbounded" }
      )
    ], { concurrency: 2 })
    const runs = new Map([...fast, ...slow])
    const walls = (name: string) => (runs.get(name) ?? []).map(({ wallMillis }) => wallMillis)
    const lanes = walls(`ours, ${concurrency} at a time`)
    const oneByOne = walls("openai, one by one")

    const report: Report = {
      figure: 3,
      title: "A service that takes its time",
      setting: `${parts} parts of ${size(partBytes)}, each answered after ${partMillis} ms; median of ${rounds}.`,
      columns: ["client", "time", "faster than openai, one by one"],
      rows: [...runs.keys()].map((name) => [name, seconds(median(walls(name))), times(ratio(oneByOne, walls(name)))]),
      targets: [
        bound(
          `ours, ${concurrency} at a time: at least 7 × faster than one by one`,
          ratio(oneByOne, lanes),
          { atLeast: 7 }
        )
      ],
      runs: Object.fromEntries(runs)
    }
    return report
  }).pipe(Effect.scoped)
