import { documented } from "@effect-uploads/domain/UploadLimits"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import { TransferError } from "@effect-uploads/transfer/TransferError"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { readFileSync } from "node:fs"
import { bytesOf, expectFiles } from "./fixtures.js"
import { put, putWithProgress } from "./readme/put.js"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")
const readme = read("README.md")

/** The names in the first column of the table below a heading. */
const firstColumn = (heading: string): ReadonlyArray<string> => {
  const [section = ""] = readme.split(`\n## ${heading}\n`).slice(1).join().split("\n## ")
  return [...section.matchAll(/^\|( `[^|]*)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].flatMap(([, name]) => name ?? [])
  )
}

const env = Layer.mergeAll(UploadsMemory.layerTest, FilesMemory.layerTest, NodeFileSystem.layer)

describe("README.md", () => {
  it("shows the code of test/readme, which is compiled with the tests", () => {
    const blocks = [...readme.matchAll(/^<!-- (\S+) -->\n```ts\n([\s\S]*?)^```$/gm)]
    expect(blocks).toHaveLength(readme.match(/^```ts$/gm)?.length ?? 0)
    expect(blocks.map(([, path]) => path)).toEqual(
      ["put.ts", "main.ts", "browser.ts", "put.test.ts"].map((name) => `test/readme/${name}`)
    )
    for (const [, path = "", code] of blocks) expect(code).toBe(read(path))
  })

  it.scoped("shows code that sends a file and logs its events", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const data = bytesOf(1000)
      const path = yield* fs.makeTempFileScoped()
      yield* fs.writeFile(path, data)
      const { file } = yield* put(path)
      expect(file.bytes).toBe(1000)
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => {
        logged.push(String(message))
      })
      yield* putWithProgress(path).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      expect(logged.at(-1)).toMatch(/^File file-\w+$/)
      yield* expectFiles(data, data)
    }).pipe(Effect.provide(env)))

  it("lists every option once", () => {
    const [, options = ""] = read("src/TransferOptions.ts").split("export interface TransferOptions {")
    const names = [...(options.split("\n}")[0] ?? "").matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name)
    expect(firstColumn("Options")).toEqual(names)
  })

  it("lists every event once", () => {
    const { $is, $match, ...events } = TransferEvent
    expect(typeof $is).toBe(typeof $match)
    expect([...firstColumn("Events")].sort()).toEqual(Object.keys(events).sort())
  })

  it("lists every error once", () => {
    expect([...firstColumn("Errors")].sort()).toEqual(TransferError.members.map(({ _tag }) => _tag).sort())
  })

  it("states the part size limit of the API", () => {
    expect(readme).toContain(`at most ${documented.partBytes / 1024 ** 2} MiB`)
  })
})
