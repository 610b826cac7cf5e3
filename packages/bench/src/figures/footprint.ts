/** Figure 5: the size and import time that the client adds to a program with `effect` and `@effect/platform`. */
import * as Command from "@effect/platform/Command"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { gzipSync } from "node:zlib"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound } from "../Figure.js"
import type { Installation } from "../Installation.js"
import { build } from "../Installation.js"
import { interleave, median } from "../Statistics.js"

export interface Options {
  readonly rounds: number
}

export const full: Options = { rounds: 15 }
export const quick: Options = { rounds: 1 }

const Imported = Schema.parseJson(Schema.Struct({ baseMillis: Schema.Number, addedMillis: Schema.Number }))

const importing = (installation: Installation, modules: ReadonlyArray<string>) =>
  Child.output("importing", Command.make(process.execPath, installation.module("programs/importing"), ...modules)).pipe(
    Effect.flatMap(Schema.decode(Imported))
  )

/**
 * All of `effect` and `@effect/platform`. They are in both bundles: with external packages every module would keep import
 * statements of its own, which no program has.
 */
const present = "import * as effect from \"effect\"\nimport * as platform from \"@effect/platform\"\n" +
  "globalThis.present = [effect, platform]\n"

/** The size of a bundled program, minified and gzipped, in bytes. `before` are modules that it imports in addition. */
const bundled = (installation: Installation, program: string, before: string) =>
  Effect.map(
    build({
      stdin: {
        contents: `${before}import ${JSON.stringify(installation.module(`programs/${program}`))}`,
        resolveDir: installation.directory
      },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "browser",
      target: "es2022",
      logLevel: "silent"
    }),
    ({ outputFiles }) =>
      (outputFiles ?? []).reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).byteLength, 0)
  )

const millis = (value: number): string => `${value.toFixed(1)} ms`
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`

const candidates = [
  { name: "the client", modules: ["@effect-uploads/http/UploadsClient"], program: "client" },
  {
    name: "the client for Node",
    modules: ["@effect-uploads/http/UploadsClient", "@effect-uploads/http/NodeUploadsHttpClient"]
  },
  {
    name: "the client and Transfer",
    modules: ["@effect-uploads/http/UploadsClient", "@effect-uploads/transfer/Transfer"],
    program: "transfer"
  },
  { name: "openai, for comparison", modules: ["openai"] }
]

export const run = (installation: Installation, { rounds }: Options) =>
  Effect.gen(function*() {
    const runs = yield* interleave(
      rounds,
      candidates.map(({ modules, name }) => ({ name, run: importing(installation, modules) }))
    )
    const added = (name: string) => median((runs.get(name) ?? []).map(({ addedMillis }) => addedMillis))
    const base = median([...runs.values()].flat().map(({ baseMillis }) => baseMillis))

    const sizesOf = (program: string) =>
      Effect.all({ own: bundled(installation, program, present), whole: bundled(installation, program, "") })
    const baseSizes = yield* sizesOf("base")
    const sizes = new Map<string, { readonly own: number; readonly whole: number }>()
    for (const { name, program } of candidates) {
      if (program === undefined) continue
      const { own, whole } = yield* sizesOf(program)
      sizes.set(name, { own: own - baseSizes.own, whole: whole - baseSizes.whole })
    }

    const report: Report = {
      figure: 5,
      title: "What the client adds to a program",
      setting:
        `A program that uses effect and the HTTP client of @effect/platform imports them in ${millis(base)} and has ` +
        `${kilobytes(baseSizes.whole)} minified and gzipped. On top of that, median of ${rounds}:`,
      columns: ["import", "time", "minified and gzipped", "with what else of effect it needs, in a small program"],
      rows: candidates.map(({ name }) => {
        const size = sizes.get(name)
        return [name, millis(added(name)), ...(size === undefined ? [] : [kilobytes(size.own), kilobytes(size.whole)])]
      }),
      targets: [
        bound("the client: under 40 ms", added("the client"), { atMost: 40 }, millis),
        bound("the client: under 15 KB minified and gzipped", sizes.get("the client")?.own ?? Number.NaN, {
          atMost: 15_000
        }, kilobytes)
      ],
      runs: { ...Object.fromEntries(runs), bytes: { base: baseSizes, ...Object.fromEntries(sizes) } }
    }
    return report
  })
