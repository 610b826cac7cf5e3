import * as Effect from "effect/Effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as Path from "node:path"
import { temporaryFolder } from "./inProcess.js"

/*
 * A real terminal, tmux's, in which a shell runs the command.
 */

/** Whether tmux is installed. */
export const isPossible = spawnSync("tmux", ["-V"], { stdio: "ignore" }).status === 0

export interface Terminal {
  /** What is on the screen, without the spaces at the ends of lines. */
  readonly screen: Effect.Effect<string>
  /** Types keys as tmux names them, such as `C-c` or `Enter`. */
  readonly press: (...keys: ReadonlyArray<string>) => Effect.Effect<void>
  readonly resize: (columns: number, rows: number) => Effect.Effect<void>
}

/** Opens a terminal with a shell, gone with the scope. */
export const open = (options: {
  readonly columns: number
  readonly rows: number
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Default: `sh -i`. */
  readonly shell?: string
}) =>
  Effect.gen(function*() {
    const socket = Path.join(yield* temporaryFolder, "tmux")
    const tmux = (...args: ReadonlyArray<string>) =>
      Effect.sync(() =>
        execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], {
          encoding: "utf8",
          cwd: options.cwd,
          // Nothing of this process's environment changes what is shown.
          env: { PATH: process.env["PATH"], LANG: "C.UTF-8", PS1: "$ ", ...options.env }
        })
      )
    yield* Effect.acquireRelease(
      tmux("new-session", "-d", "-x", `${options.columns}`, "-y", `${options.rows}`, options.shell ?? "sh -i"),
      () => Effect.ignore(tmux("kill-server"))
    )
    const terminal: Terminal = {
      screen: Effect.map(tmux("capture-pane", "-p"), (text) => text.trimEnd()),
      press: (...keys) => Effect.asVoid(tmux("send-keys", ...keys)),
      resize: (columns, rows) => Effect.asVoid(tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`))
    }
    return terminal
  })

/** Waits until the screen matches: the screen. Fails the test with the last screen where it never does. */
export const see = (terminal: Terminal, pattern: RegExp): Effect.Effect<string> => {
  let last = ""
  return terminal.screen.pipe(
    Effect.tap((screen) => {
      last = screen
      return Effect.sleep("30 millis")
    }),
    Effect.repeat({ until: (screen) => pattern.test(screen) }),
    Effect.timeoutFail({
      duration: "20 seconds",
      onTimeout: () => new Error(`${pattern} is not on the screen:\n${last}`)
    }),
    Effect.orDie
  )
}
