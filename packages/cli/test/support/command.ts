import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { bundleCommand } from "../../bundle.js"

/*
 * The command as its users run it: bundled, in a process of its own.
 */

const buildFolder = fileURLToPath(new URL("../../build", import.meta.url))

/** The bundle, gone with the scope: the path of its entry. */
export const bundled = Effect.acquireRelease(
  Effect.promise(async () => {
    await Fs.mkdir(buildFolder, { recursive: true })
    const folder = await Fs.mkdtemp(Path.join(buildFolder, "command-"))
    await bundleCommand(folder)
    return Path.join(folder, "main.js")
  }),
  (main) => Effect.promise(() => Fs.rm(Path.dirname(main), { recursive: true }))
)

export interface Running {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  /** The exit code, or the signal that ended it, once all its output is there. */
  readonly ended: Effect.Effect<number | NodeJS.Signals>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Closes what the command writes its results to, as a program does that has read enough. */
  readonly closeStdout: Effect.Effect<void>
}

/** Starts the command. Nothing of this process's environment is in its own. Killed with the scope at the latest. */
export const start = (
  main: string,
  args: ReadonlyArray<string>,
  options: {
    readonly env: Readonly<Record<string, string>>
    readonly cwd?: string
    readonly stdin?: Uint8Array
    readonly node?: string
  }
) =>
  Effect.gen(function*() {
    const child = spawn(options.node ?? process.execPath, [main, ...args], {
      env: { PATH: process.env["PATH"], ...options.env },
      cwd: options.cwd
    })
    const ended = yield* Deferred.make<number | NodeJS.Signals>()
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (data) => {
      stdout += data
    })
    child.stderr.on("data", (data) => {
      stderr += data
    })
    child.once("close", (code, signal) => Deferred.unsafeDone(ended, Effect.succeed(code ?? signal ?? "SIGKILL")))
    // A command that ends before it has read all closes the pipe.
    child.stdin.on("error", () => {})
    child.stdin.end(options.stdin ?? new Uint8Array())
    const orphaned = () => child.kill("SIGKILL")
    process.once("exit", orphaned)
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        process.off("exit", orphaned)
        child.kill("SIGKILL")
        return Deferred.await(ended)
      })
    )
    const running: Running = {
      pid: child.pid ?? 0,
      stdout: () => stdout,
      stderr: () => stderr,
      ended: Deferred.await(ended),
      kill: (signal) => Effect.sync(() => child.kill(signal)),
      closeStdout: Effect.sync(() => child.stdout.destroy())
    }
    return running
  })

/** Waits until it holds; fails the test where it never does. */
export const eventually = (what: string, condition: () => boolean | Promise<boolean>): Effect.Effect<void> =>
  Effect.promise(async () => condition()).pipe(
    Effect.tap((holds) => holds ? Effect.void : Effect.sleep("20 millis")),
    Effect.repeat({ until: (holds) => holds }),
    Effect.timeoutFail({ duration: "20 seconds", onTimeout: () => new Error(`It never came to be: ${what}`) }),
    Effect.orDie,
    Effect.asVoid
  )
