/**
 * Processes of their own, so that CPU time and peak memory are theirs alone.
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

/** A child ended without having measured anything. */
export class ChildFailed extends Data.TaggedError("ChildFailed")<{
  readonly name: string
  readonly exitCode: number
  readonly output: string
}> {
  override get message(): string {
    return `${this.name} ended with ${this.exitCode}: ${this.output}`
  }
}

/** What a child says of itself. */
export class Measurement extends Schema.Class<Measurement>("Measurement")({
  /** From the first request to the last answer. */
  wallMillis: Schema.Number,
  /** The CPU time of all threads in that time. */
  cpuMillis: Schema.Number,
  /** The most memory that the process ever held. */
  peakBytes: Schema.Number
}) {}

const node = (path: string, options: { readonly [option: string]: string | number | boolean }) =>
  Command.make(process.execPath, path, ...Object.entries(options).map(([key, value]) => `--${key}=${value}`))

/** What a command writes to its standard output. It fails unless it ends with 0. */
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

const Listening = Schema.parseJson(Schema.Struct({ port: Schema.Int.pipe(Schema.positive()) }))

/** Starts a sink, which ends with the scope, and gives the URL of its API. */
export const sink = (installation: Installation, options: { readonly partMillis?: number } = {}) =>
  Effect.gen(function*() {
    const child = yield* Command.start(node(installation.module("sink"), options))
    const line = yield* child.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.runHead, Effect.flatten)
    const { port } = yield* Schema.decode(Listening)(line)
    return `http://127.0.0.1:${port}/v1`
  })

/** What a server has used since it began. */
const Usage = Schema.Struct({
  /** The CPU time of all threads. */
  cpuMillis: Schema.Number,
  peakBytes: Schema.Number
})

const decodeUsage = Schema.decode(Schema.parseJson(Usage))

/** A server to measure, in a process of its own. */
export interface Server {
  readonly url: string
  readonly directory: string
  readonly usage: Effect.Effect<
    typeof Usage.Type,
    ParseResult.ParseError | PlatformError | Cause.NoSuchElementException
  >
}

/** Has the system write to the disk what it has not yet. */
export const sync = Effect.asVoid(Command.exitCode(Command.make("sync")))

/**
 * Starts a module of `servers/`, or the server of this repository, on a fresh folder. It ends with the scope, and the folder is
 * removed after it.
 */
export const server = (
  installation: Installation,
  name: string,
  environment: Readonly<Record<string, string>> = {}
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    // After the folder is removed: else the disk would still be busy with it in the next run.
    yield* Effect.addFinalizer(() => Effect.ignore(sync))
    const directory = yield* fs.makeTempDirectoryScoped({ prefix: "effect-uploads-bench-" })
    const questions = yield* Mailbox.make<string>()
    const child = yield* Command.make(
      process.execPath,
      "--import",
      installation.module("servers/internal/usage"),
      name === "ours" ? installation.server : installation.module(`servers/${name}`)
    ).pipe(
      Command.env({ UPLOADS_DATA_DIR: directory, UPLOADS_PORT: "0", ...environment }),
      Command.stdin(Stream.encodeText(Mailbox.toStream(questions))),
      Command.start
    )
    const lines = yield* Mailbox.fromStream(child.stdout.pipe(Stream.decodeText(), Stream.splitLines))
    yield* Effect.forkScoped(Stream.runForEach(Stream.decodeText(child.stderr), Effect.logDebug))
    const self: Server = {
      url: yield* lines.take,
      directory,
      usage: questions.offer("usage\n").pipe(Effect.zipRight(lines.take), Effect.flatMap(decodeUsage))
    }
    return self
  })

/** What a client measures while it sends, and the CPU time that the server takes meanwhile. */
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
