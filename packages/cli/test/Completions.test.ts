import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as inProcess from "./support/inProcess.js"
import * as terminals from "./support/terminal.js"

/*
 * The completions, asked of the shells themselves.
 */

const isInstalled = (program: string) => spawnSync(program, ["-c", "true"], { stdio: "ignore" }).status === 0

/** The script for a shell, in a file: its path. */
const script = (shell: string) =>
  Effect.gen(function*() {
    const { folder, run, write } = yield* inProcess.make
    const { exitCode, stdout } = yield* run(["--completions", shell])
    expect(exitCode).toBe(0)
    yield* write("data.jsonl", "{}\n")
    return { folder, path: yield* write(`completions.${shell}`, `${stdout.join("\n")}\n`) }
  })

const cases: ReadonlyArray<readonly [words: ReadonlyArray<string>, completions: ReadonlyArray<string>]> = [
  [["uploads", "pu"], ["put"]],
  [["uploads", "put", "--pa"], ["--part-size"]],
  [["uploads", "add-part", "--of"], ["--offset"]],
  [["uploads", "files", "g"], ["get"]],
  [["uploads", "files", "get", "--fo"], ["--force"]]
]

/** Bash falls back on files by itself. */
const fileCases: typeof cases = [
  [["uploads", "put", "dat"], ["data.jsonl"]],
  [["uploads", "files", "get", "-o", "dat"], ["data.jsonl"]]
]

describe("the completions", () => {
  it.scoped.skipIf(!isInstalled("bash"))("complete commands and options in bash", () =>
    Effect.gen(function*() {
      const { path } = yield* script("bash")
      const complete = (words: ReadonlyArray<string>) =>
        execFileSync(
          "bash",
          [
            "-c",
            `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ` +
            `_uploads_bash_completions uploads; echo "\${COMPREPLY[*]}"`,
            path,
            ...words
          ],
          { encoding: "utf8" }
        ).trim().split(" ")
      for (const [words, completions] of cases) expect([words, complete(words)]).toEqual([words, completions])
    }))

  it.scoped.skipIf(!isInstalled("fish"))("complete commands, options and files in fish", () =>
    Effect.gen(function*() {
      const { folder, path } = yield* script("fish")
      const complete = (words: ReadonlyArray<string>) =>
        execFileSync("fish", ["-N", "-c", `source ${path}; complete -C "${words.join(" ")}"`], {
          cwd: folder,
          encoding: "utf8"
        }).trim().split("\n").map((line) => line.split("\t")[0])
      for (const [words, completions] of [...cases, ...fileCases]) {
        expect([words, complete(words)]).toEqual([words, completions])
      }
    }))

  it.scopedLive.skipIf(!isInstalled("zsh") || !terminals.isPossible)(
    "complete commands, options and files in zsh",
    () =>
      Effect.gen(function*() {
        const { folder, path } = yield* script("zsh")
        const terminal = yield* terminals.open({
          columns: 100,
          rows: 10,
          cwd: folder,
          env: { HOME: folder },
          shell: "zsh -f"
        })
        yield* terminals.see(terminal, /[%#]/)
        yield* terminal.press(`PS1='> '; autoload -U compinit; compinit -u -D; source ${path}; clear`, "Enter")
        yield* terminals.see(terminal, /^> *$/)
        for (const [words, [completion = ""]] of [...cases, ...fileCases]) {
          yield* terminal.press(words.join(" "), "Tab")
          yield* terminals.see(terminal, new RegExp(`^> ${[...words.slice(0, -1), completion].join(" ")}`))
          yield* terminal.press("C-u")
        }
      }),
    30_000
  )
})
