import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { Backend, ServiceUrl } from "../../src/Backend.js"
import { run } from "../../src/cli.js"
import { Environment } from "../../src/Environment.js"
import * as Output from "../../src/Output.js"

/*
 * The command in this process, with services in memory: what it prints, and its exit code.
 */

export interface Ran {
  readonly exitCode: number
  readonly stdout: ReadonlyArray<string>
  readonly stderr: ReadonlyArray<string>
}

export interface Options {
  readonly stdin?: Stream.Stream<Uint8Array>
  readonly env?: Readonly<Record<string, string>>
  /** Of the messages; none where they go to a file. */
  readonly terminal?: { columns: number; rows: number }
  readonly web?: (url: string, method: string) => Response
  /** Default: `linux`. */
  readonly platform?: string
}

/** Collects what is written, without the end of the last line. */
export const recorder = (terminal?: { columns: number; rows: number }) => {
  let text = ""
  const writer: Output.Writer = {
    isTerminal: terminal !== undefined,
    columns: () => terminal?.columns ?? 80,
    rows: () => terminal?.rows ?? 24,
    write: (more) => {
      text += more
    },
    writeBytes: (bytes) =>
      Effect.sync(() => {
        text += new TextDecoder().decode(bytes)
      })
  }
  return { writer, text: () => text, lines: () => text === "" ? [] : text.replace(/\n$/, "").split("\n") }
}

/** A folder that is gone with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "uploads-cli-"))),
  (folder) => Effect.promise(() => Fs.rm(folder, { recursive: true, force: true }))
)

const noWeb = () => new Response("", { status: 404 })

export const make = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const services = yield* Layer.build(Layer.mergeAll(UploadsMemory.layerTest, FilesMemory.layerTest))

  const start = (args: ReadonlyArray<string>, options: Options = {}) => {
    const stdout = recorder()
    const stderr = recorder(options.terminal)
    const web = HttpClient.make((request, url) =>
      Effect.succeed(
        HttpClientResponse.fromWeb(request, (options.web ?? noWeb)(url.toString(), request.method))
      )
    )
    const backend = Layer.mergeAll(
      Layer.succeedContext(services),
      Layer.succeed(HttpClient.HttpClient, web),
      Layer.succeed(ServiceUrl, "http://127.0.0.1:4141/v1")
    )
    const layer = Layer.mergeAll(
      NodeContext.layer,
      Layer.succeed(Backend, backend),
      Layer.succeed(
        Output.Output,
        Output.make({ stdout: stdout.writer, stderr: stderr.writer, colours: false })
      ),
      Layer.succeed(Environment, {
        platform: options.platform ?? "linux",
        home: folder,
        stdin: options.stdin ?? Stream.empty,
        runNode: () => Effect.succeed(0)
      })
    )
    const env = { OPENAI_API_KEY: "sk-test", ...options.env }
    const effect = run(args).pipe(
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env)), { pathDelim: "_" })),
      Effect.provide(layer),
      Effect.map((exitCode): Ran => ({ exitCode, stdout: stdout.lines(), stderr: stderr.lines() }))
    )
    return { effect, stdout, stderr }
  }

  return {
    folder,
    start,
    run: (args: ReadonlyArray<string>, options?: Options) => start(args, options).effect,
    uploads: Context.get(services, UploadsMemory.UploadsServiceTest),
    files: Context.get(services, FilesMemory.FilesServiceTest),
    /** Writes a file into the folder: its path. */
    write: (name: string, content: string | Uint8Array) =>
      Effect.promise(async () => {
        const path = Path.join(folder, name)
        await Fs.mkdir(Path.dirname(path), { recursive: true })
        await Fs.writeFile(path, content)
        return path
      }),
    read: (name: string) => Effect.promise(() => Fs.readFile(Path.join(folder, name), "utf8")),
    list: (name: string) => Effect.promise(() => Fs.readdir(Path.join(folder, name)).catch(() => []))
  }
})
