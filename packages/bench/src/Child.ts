/**
 * Runs each client and each server in a process of its own, so that its CPU time and peak memory are measured alone.
 */
import * as Command from "@effect/platform/Command"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Task } from "./clients/internal/task.js"
import type { Installation } from "./Installation.js"

/** A child process ended without a measurement. */
export class ChildFailed extends Data.TaggedError("ChildFailed")<{
  readonly name: string
  readonly exitCode: number
  readonly output: string
}> {
  override get message(): string {
    return `${this.name} exited with code ${this.exitCode}: ${this.output}`
  }
}

/** The measurement that a child process reports about itself. */
export class Measurement extends Schema.Class<Measurement>("Measurement")({
  /** The time from the first request to the last response, in milliseconds. */
  wallMillis: Schema.Number,
  /** The CPU time of all threads in that time, in milliseconds. */
  cpuMillis: Schema.Number,
  /** The peak memory of the process, in bytes. */
  peakBytes: Schema.Number
}) {}

const node = (
  path: string,
  options: { readonly [option: string]: string | number | boolean },
  executable = process.execPath
) => Command.make(executable, path, ...Object.entries(options).map(([key, value]) => `--${key}=${value}`))

/** The standard output of a command. Fails unless the exit code is 0. */
export const output = (name: string, command: Command.Command) =>
  Effect.scoped(Effect.gen(function*() {
    const child = yield* Command.start(command)
    const [exitCode, stdout, stderr] = yield* Effect.all([
      child.exitCode,
      Stream.mkString(Stream.decodeText(child.stdout)),
      Stream.mkString(Stream.decodeText(child.stderr))
    ], { concurrency: "unbounded" })
    return exitCode === 0 ? stdout : yield* new ChildFailed({ name, exitCode, output: stderr || stdout })
  }))

/** Runs a module of `clients/`. */
export const measure = (installation: Installation, client: string, task: Partial<Task>) =>
  output(client, node(installation.module(`clients/${client}`), { ...task })).pipe(
    Effect.flatMap(Schema.decode(Schema.parseJson(Measurement)))
  )

/** The measurement of a client that does its work twice: in a new process, and again when V8 has compiled it. */
const ColdAndWarm = Schema.Struct({ cold: Measurement, warm: Measurement })

/** Runs a module of `clients/` that measures its work twice, on a version of Node. */
export const measureColdAndWarm = (
  installation: Installation,
  client: string,
  task: Partial<Task>,
  executable?: string
) =>
  output(client, node(installation.module(`clients/${client}`), { ...task }, executable)).pipe(
    Effect.flatMap(Schema.decode(Schema.parseJson(ColdAndWarm)))
  )

/** The path of another major version of Node, from the npm package `node`. None, with a warning, if npm cannot get it. */
export const nodeOf = (version: number) =>
  output(`node@${version}`, Command.make("npx", "-y", `node@${version}`, "--print", "process.execPath")).pipe(
    Effect.map((path) => path.trim()),
    Effect.tapError((error) =>
      Effect.logWarning(`Without Node ${version}, because npm cannot get it: ${error.message}`)
    ),
    Effect.option
  )

const Listening = Schema.parseJson(Schema.Struct({ port: Schema.Int.pipe(Schema.positive()) }))

/** Starts a sink and returns the URL of its API. The sink stops when the scope closes. */
export const sink = (
  installation: Installation,
  options: { readonly partMillis?: number; readonly otherMillis?: number } = {}
) =>
  Effect.gen(function*() {
    const child = yield* Command.start(node(installation.module("sink"), options))
    const line = yield* child.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.runHead, Effect.flatten)
    const { port } = yield* Schema.decode(Listening)(line)
    return `http://127.0.0.1:${port}/v1`
  })

/** The resources that a server has used since its start. */
const Usage = Schema.Struct({
  /** The CPU time of all threads. */
  cpuMillis: Schema.Number,
  peakBytes: Schema.Number,
  /** With BENCH_LOOP_DELAY: the longest time between two turns of the event loop since the last usage. */
  holdMillis: Schema.optionalWith(Schema.Number, { default: () => 0 }),
  /** With BENCH_LOOP_DELAY: the most CPU time of the thread in such a time. */
  holdCpuMillis: Schema.optionalWith(Schema.Number, { default: () => 0 })
})

const decodeUsage = Schema.decode(Schema.parseJson(Usage))

/** A server under measurement, in a process of its own. */
export interface Server {
  readonly url: string
  readonly directory: string
  readonly usage: Effect.Effect<
    typeof Usage.Type,
    ParseResult.ParseError | PlatformError | Cause.NoSuchElementException
  >
}

/** Flushes the file system caches to the disk. */
export const sync = Effect.asVoid(Command.exitCode(Command.make("sync")))

/**
 * Starts a module of `servers/`, or the server of this repository, with a new folder. Both are removed when the scope closes.
 */
export const server = (
  installation: Installation,
  name: string,
  environment: Readonly<Record<string, string>> = {}
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    // Runs after the folder is removed. Without it, the disk would still be busy with the removal during the next run.
    yield* Effect.addFinalizer(() => Effect.ignore(sync))
    const directory = yield* fs.makeTempDirectoryScoped({ prefix: "effect-uploads-bench-" })
    const commands = yield* Mailbox.make<string>()
    const child = yield* Command.make(
      process.execPath,
      "--import",
      installation.module("servers/internal/usage"),
      name === "ours" ? installation.server : installation.module(`servers/${name}`)
    ).pipe(
      Command.env({ UPLOADS_DATA_DIR: directory, UPLOADS_PORT: "0", ...environment }),
      Command.stdin(Stream.encodeText(Mailbox.toStream(commands))),
      Command.start
    )
    const lines = yield* Mailbox.fromStream(child.stdout.pipe(Stream.decodeText(), Stream.splitLines))
    yield* Effect.forkScoped(Stream.runForEach(Stream.decodeText(child.stderr), Effect.logDebug))
    const self: Server = {
      url: yield* lines.take,
      directory,
      usage: commands.offer("usage\n").pipe(Effect.zipRight(lines.take), Effect.flatMap(decodeUsage))
    }
    return self
  })

/** The time that a client measures, with the CPU time and the peak memory of the server. */
export const measureServer = (
  installation: Installation,
  server: Server,
  client: string,
  task: Partial<Task>
) =>
  Effect.gen(function*() {
    const before = yield* server.usage
    const { wallMillis } = yield* measure(installation, client, { apiUrl: server.url, ...task })
    const { cpuMillis, peakBytes } = yield* server.usage
    return { wallMillis, cpuMillis: cpuMillis - before.cpuMillis, peakBytes }
  })
