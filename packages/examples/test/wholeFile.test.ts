import { send } from "@effect-uploads/examples/wholeFile"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { expect, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

it.scopedLive("sends a whole file and prints the id of the completed File", () =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const test = yield* UploadsMemory.UploadsServiceTest
    const path = `${yield* fs.makeTempDirectoryScoped()}/training.jsonl`
    yield* fs.writeFile(path, new Uint8Array(3_000_000))
    const lines: Array<string> = []
    const base = yield* Console.consoleWith(Effect.succeed)
    yield* Effect.withConsole(send(path), {
      ...base,
      log: (line: string) => Effect.sync(() => lines.push(line))
    })
    expect(lines[0]).toBe("Started")
    expect(lines.at(-1)).toMatch(/^done: File file-/)
    expect((yield* test.uploads).map(({ filename, status }) => [filename, status])).toEqual([
      ["training.jsonl", "completed"]
    ])
  }).pipe(Effect.provide(Layer.merge(UploadsMemory.layerTest, NodeFileSystem.layer))))
