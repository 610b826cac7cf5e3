/** Figure 3: many small parts to a slow service. */
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

/** The real service took about 480 ms for a small part. */
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
    const concurrentClients = [
      { name: `ours, ${concurrency} at a time`, run: send("ours", concurrency) },
      { name: `ours, portable, ${concurrency} at a time`, run: send("oursPortable", concurrency) }
    ]
    const sequentialClients = [
      { name: "ours, one by one", run: send("ours", 1) },
      { name: "openai, one by one", run: send("openaiOneByOne", 1) }
    ]
    // The sequential clients wait for a minute and use almost no CPU, so all of them run at the same time, beside the
    // concurrent ones.
    const [fast, slow] = yield* Effect.all([
      interleave(rounds, concurrentClients),
      Effect.forEach(
        sequentialClients,
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
    const concurrent = walls(`ours, ${concurrency} at a time`)
    const oneByOne = walls("openai, one by one")

    const report: Report = {
      figure: 3,
      title: "A slow service",
      setting: `${parts} parts of ${
        size(partBytes)
      }, each with a response after ${partMillis} ms; median of ${rounds}.`,
      columns: ["client", "time", "faster than openai, one by one"],
      rows: [...runs.keys()].map((name) => [name, seconds(median(walls(name))), times(ratio(oneByOne, walls(name)))]),
      targets: [
        bound(
          `ours, ${concurrency} at a time: at least 7 × faster than one by one`,
          ratio(oneByOne, concurrent),
          { atLeast: 7 }
        )
      ],
      runs: Object.fromEntries(runs)
    }
    return report
  }).pipe(Effect.scoped)
