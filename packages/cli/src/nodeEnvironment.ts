import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { homedir } from "node:os"
import { LocalFileFailed } from "./CliError.js"
import { Environment } from "./Environment.js"

/** The machine that this process runs on. */
export const layer: Layer.Layer<Environment> = Layer.succeed(Environment, {
  platform: process.platform,
  home: homedir(),
  stdin: NodeStream.fromReadable(
    () => process.stdin,
    (cause) =>
      new LocalFileFailed({
        path: "stdin",
        doing: "read",
        reason: Predicate.isError(cause) ? cause.message : String(cause)
      })
  ),
  runNode: (program, args, env) =>
    Effect.flatMap(
      // Loaded on demand, because the import takes a tenth of the start-up time.
      Effect.promise(() => import("node:child_process")),
      ({ spawn }) =>
        Effect.async<number | null>((resume) => {
          const child = spawn(process.execPath, [program, ...args], {
            env: { ...process.env, ...env },
            stdio: "inherit"
          })
          const ended = new Promise<void>((resolve) =>
            child.once("close", (code) => {
              resume(Effect.succeed(code))
              resolve()
            })
          )
          // The child has the Ctrl-C of the terminal already. A second signal does no harm.
          return Effect.promise(() => {
            child.kill("SIGTERM")
            return ended
          })
        })
    )
})
