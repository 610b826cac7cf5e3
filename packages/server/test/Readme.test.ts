import * as FilesService from "@effect-uploads/http/FilesService"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as ServerModules from "@effect-uploads/server"
import { ServerConfig } from "@effect-uploads/server/ServerConfig"
import { Reason } from "@effect-uploads/server/StorageError"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { temporaryDirectory } from "./support/stores.js"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")
const readme = read("README.md")

/** The rows of the first table under a heading. */
const rows = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const [section = ""] = readme.split(`\n## ${heading}\n`).slice(1).join().split("\n## ")
  return [...section.matchAll(/^\|( `.*)\|$/gm)].map(([, row = ""]) =>
    row.split("|").map((cell) => cell.trim().replaceAll("`", ""))
  )
}

const configured = (entries: ReadonlyArray<readonly [string, string]>) =>
  Effect.withConfigProvider(ServerConfig, ConfigProvider.fromMap(new Map(entries)))

describe("README.md", () => {
  it("shows code that is compiled and run by the tests", () => {
    const blocks = [...readme.matchAll(/^<!-- (\S+) -->\n```ts\n([\s\S]*?)^```$/gm)]
    expect(blocks.map(([, path]) => path)).toEqual(["test/readme/embedded.ts"])
    for (const [, path = "", code] of blocks) expect(code).toBe(read(path))
  })

  it.scoped("its layer provides both services, and Files survive the layer", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { durable } = yield* Effect.promise(() => import("./readme/embedded.js"))
      // The folder of the example is relative.
      const before = process.cwd()
      process.chdir(directory)
      yield* Effect.addFinalizer(() => Effect.sync(() => process.chdir(before)))
      const file = yield* Effect.gen(function*() {
        const uploads = yield* UploadsService.UploadsService
        const request = { filename: "a.jsonl", bytes: 3, purpose: "batch", mimeType: "text/jsonl" }
        const { id } = yield* uploads.create(request)
        const part = yield* uploads.addPart(id, Uint8Array.of(1, 2, 3))
        return (yield* uploads.complete(id, { partIds: [part.id] })).file
      }).pipe(Effect.provide(durable))
      const found = yield* Effect.flatMap(FilesService.FilesService, (files) => files.retrieve(file.id)).pipe(
        Effect.provide(durable)
      )
      expect(found).toEqual(file)
    }))

  it.effect("lists every environment variable with its default", () =>
    Effect.gen(function*() {
      const documented = rows("Configuration").map(([name = "", value = ""]) => [name, value] as const)
      expect(documented.map(([name]) => name)).toEqual(
        [...read("src/ServerConfig.ts").matchAll(/"(UPLOADS_\w+)"/g)].map(([, name]) => name)
      )
      const settings = documented.filter(([, value]) => value !== "none")
      const [defaults, explicit] = yield* Effect.all([configured([]), configured(settings)])
      const plain = (config: ServerConfig) =>
        JSON.stringify(config, (_, value) => Duration.isDuration(value) ? Duration.toMillis(value) : value)
      expect(plain(explicit)).toBe(plain(defaults))
    }))

  it("lists every reason of a StorageError and every module", () => {
    expect(rows("When it fails").map(([reason]) => reason)).toEqual([...Reason.literals])
    expect(rows("Modules").map(([module]) => module)).toEqual(Object.keys(ServerModules).sort())
  })
})
