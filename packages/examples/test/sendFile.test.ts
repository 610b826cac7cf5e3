import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const tsx = pathOf("../../../node_modules/.bin/tsx")
const program = pathOf("../src/sendFile.ts")

const service = HttpApiBuilder.serve().pipe(
  Layer.provide(UploadsRoutes.layer),
  Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })),
  Layer.provideMerge(Layer.merge(UploadsMemory.layerTest, FilesMemory.layerMemory)),
  Layer.provideMerge(NodeContext.layer)
)

it.scopedLive("sends training.jsonl, prints the id of the File and ends", () =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const test = yield* UploadsMemory.UploadsServiceTest
    const directory = yield* fs.makeTempDirectoryScoped()
    yield* fs.writeFile(`${directory}/training.jsonl`, new Uint8Array(3_000_000))
    const printed = yield* Command.make(tsx, program).pipe(
      Command.workingDirectory(directory),
      Command.env({
        OPENAI_API_KEY: "sk-test-not-a-real-key",
        OPENAI_BASE_URL: yield* HttpServer.addressFormattedWith(Effect.succeed)
      }),
      Command.string
    )
    expect(printed).toMatch(/^File file-\w+\n$/)
    expect((yield* test.uploads).map(({ filename, status }) => [filename, status])).toEqual([
      ["training.jsonl", "completed"]
    ])
  }).pipe(Effect.provide(service)))
