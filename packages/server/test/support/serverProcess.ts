import { bundle } from "@effect-uploads/server/bundle"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/*
 * The server as its users run it: a process, which listens, and can be killed.
 */

const packageFolder = fileURLToPath(new URL("../..", import.meta.url))

/** The command as it is published, gone with the scope. */
export const compiled: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () => {
    // Inside of the package, for what is not bundled is looked for from here.
    const build = Path.join(packageFolder, "build")
    await Fs.mkdir(build, { recursive: true })
    const folder = await Fs.mkdtemp(Path.join(build, "process-"))
    await bundle(folder)
    return Path.join(folder, "main.js")
  }),
  (module) => Effect.promise(() => Fs.rm(Path.dirname(module), { recursive: true }))
)

export class ServerEnded extends Data.TaggedError("ServerEnded")<{ readonly log: string }> {
  override get message(): string {
    return `The server ended:\n${this.log}`
  }
}

export interface ServerProcess {
  readonly pid: number
  /** Its URL, once it listens. */
  readonly url: Effect.Effect<string, ServerEnded>
  /** The lines of its log. */
  readonly log: ReadonlyArray<string>
  /** As `kill -9` does, and waits until it is gone. */
  readonly kill: Effect.Effect<void>
  /** As an operator does; its exit code. */
  readonly stop: Effect.Effect<number | null>
  /** Its exit code, once it ends by itself. */
  readonly ended: Effect.Effect<number | null>
}

/** Ends with the scope at the latest. */
export const start = (
  module: string,
  env: Record<string, string>,
  /** The number of file descriptors that the process may open. */
  descriptors?: number
): Effect.Effect<ServerProcess, never, Scope.Scope> =>
  Effect.gen(function*() {
    const listening = yield* Deferred.make<string, ServerEnded>()
    const ended = yield* Deferred.make<number | null>()
    const log: Array<string> = []
    const args = ["--enable-source-maps", module]
    const [program, programArgs]: readonly [string, ReadonlyArray<string>] = descriptors === undefined
      ? [process.execPath, args]
      : ["sh", ["-c", `ulimit -n ${descriptors} && exec "$0" "$@"`, process.execPath, ...args]]
    const child = spawn(program, programArgs, {
      // Nothing of the environment, so that no variable of the machine's changes the server.
      env: { PATH: process.env["PATH"], UPLOADS_PORT: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const orphaned = () => child.kill("SIGKILL")
    process.once("exit", orphaned)
    createInterface(child.stdout).once("line", (line) => Deferred.unsafeDone(listening, Effect.succeed(line)))
    createInterface(child.stderr).on("line", (line) => log.push(line))
    child.once("close", (code) => {
      process.off("exit", orphaned)
      Deferred.unsafeDone(listening, new ServerEnded({ log: log.join("\n") }))
      Deferred.unsafeDone(ended, Effect.succeed(code))
    })
    const end = (signal: "SIGKILL" | "SIGTERM") =>
      Effect.suspend(() => {
        child.kill(signal)
        return Deferred.await(ended)
      })
    const kill = Effect.asVoid(end("SIGKILL"))
    yield* Effect.addFinalizer(() =>
      Effect.zipRight(
        kill,
        // Node warns once of an emitter with more than ten listeners of an event, for example of one for each request.
        Effect.suspend(() => {
          const warnings = log.filter((line) => line.includes("MaxListenersExceededWarning"))
          return warnings.length === 0 ? Effect.void : Effect.dieMessage(warnings.join("\n"))
        })
      )
    )
    return {
      pid: child.pid ?? 0,
      url: Deferred.await(listening),
      log,
      kill,
      stop: end("SIGTERM"),
      ended: Deferred.await(ended)
    }
  })
