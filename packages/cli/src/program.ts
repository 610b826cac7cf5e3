/**
 * The process: its streams, signals and exit code.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { Backend } from "./Backend.js"
import { run } from "./cli.js"
import { ExitCode } from "./ExitCode.js"
import * as nodeEnvironment from "./nodeEnvironment.js"
import * as nodeOutput from "./nodeOutput.js"
import { Output } from "./Output.js"

const output = nodeOutput.make()

const layer = Layer.mergeAll(
  NodeFileSystem.layer,
  NodePath.layer,
  NodeTerminal.layer,
  nodeEnvironment.layer,
  Layer.succeed(Output, output),
  // Loaded on demand, because the HTTP client takes a third of the start-up time.
  Layer.succeed(Backend, Layer.unwrapEffect(Effect.promise(async () => (await import("./backendHttp.js")).layer)))
)

const fiber = Effect.runFork(Effect.provide(run(process.argv.slice(2)), layer))

/** The exit code of the first signal or closed pipe. */
let ending: number | undefined

const end = (code: number, notice: string | undefined) => () => {
  if (ending !== undefined) return process.exit(ending)
  ending = code
  if (notice !== undefined) Effect.runSync(output.message(notice))
  Effect.runFork(Fiber.interrupt(fiber))
}

const notice = "Stopping. Press Ctrl-C again to stop at once."

process.on("SIGINT", end(ExitCode.interrupted, output.terminal === undefined ? undefined : notice))
process.on("SIGTERM", end(ExitCode.terminated, undefined))
process.on("SIGHUP", end(ExitCode.hungUp, undefined))
// The reader of the results has closed the pipe, as `head` does. Other programs end with SIGPIPE then.
process.stdout.on("error", end(ExitCode.closedPipe, undefined))
// The reader of the messages has closed the pipe. The results still count.
process.stderr.on("error", () => {})

/** `process.exit` does not wait for bytes in a pipe, so wait for them before. */
const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write("", () => resolve()))

fiber.addObserver((exit) => {
  const code = ending ?? Exit.match(exit, {
    onSuccess: (code) => code,
    onFailure: (cause) => Cause.isInterruptedOnly(cause) ? ExitCode.interrupted : ExitCode.local
  })
  void Promise.allSettled([flushed(process.stdout), flushed(process.stderr)]).then(() => process.exit(code))
})
