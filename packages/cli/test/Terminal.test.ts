import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as command from "./support/command.js"
import { temporaryFolder } from "./support/inProcess.js"
import * as service from "./support/service.js"
import * as terminals from "./support/terminal.js"

/*
 * The bundled command in a real terminal: what is on the screen, and what Ctrl-C does.
 */

const scope = Effect.runSync(Scope.make())
let main = ""

beforeAll(async () => {
  main = await Effect.runPromise(Scope.extend(command.bundled, scope))
}, 60_000)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const MiB = 1024 * 1024

const setup = (columns: number, env: Record<string, string> = {}) =>
  Effect.gen(function*() {
    const uploads = yield* service.start
    const folder = yield* temporaryFolder
    const write = (name: string, bytes: number) =>
      Effect.promise(() => Fs.writeFile(Path.join(folder, name), new Uint8Array(bytes)))
    const terminal = yield* terminals.open({
      columns,
      rows: 20,
      cwd: folder,
      env: { HOME: folder, ...uploads.env, ...env }
    })
    yield* terminals.see(terminal, /[$#]/)
    /** Types the command, and then its exit code. */
    const type = (args: string) =>
      terminal.press(`clear; '${process.execPath}' '${main}' ${args}; echo "code $?"`, "Enter")
    return { uploads, terminal, type, write, see: (pattern: RegExp) => terminals.see(terminal, pattern) }
  })

const linesOf = (screen: string) => screen.split("\n").map((line) => line.trimEnd())

describe.skipIf(!terminals.isPossible)("in a terminal (needs tmux)", () => {
  it.scopedLive(
    "a bar for each file and one for all files are redrawn in place after the window is resized",
    () =>
      Effect.gen(function*() {
        const { see, terminal, type, write } = yield* setup(80)
        yield* write("first.bin", 3 * MiB)
        yield* write("second.bin", 6 * MiB)
        yield* type("put first.bin second.bin --limit-rate 2MiB --part-size 1MiB")
        const wide = linesOf(yield* see(/0 of 2 files +1\d%/))
        expect(wide).toHaveLength(3)
        expect(wide[0]).toMatch(
          /^first\.bin +\d+% \[=*> *\] +[\d.]+ [KM]?i?B\/s +(\d:\d\d +)?[\d.]+ [KM]?i?B of 3\.00 MiB/
        )
        expect(wide[1]).toMatch(/^second\.bin +\d+% \[=*> *\] .* of 6\.00 MiB/)
        yield* terminal.resize(40, 20)
        const narrow = linesOf(yield* see(/0 of 2 f… +[23]\d%/))
        expect(narrow).toHaveLength(3)
        for (const line of narrow) expect(line).toMatch(/^\S.{8} +\d+% \[=*> *\] +[\d.]+ [KM]?i?B\/s$/)
        yield* terminal.resize(100, 20)
        const done = linesOf(yield* see(/code 0/))
        expect(done).toEqual([
          expect.stringMatching(/^✓ first\.bin: 3\.00 MiB in 0:\d\d, /),
          expect.stringMatching(/^file-\w+ +first\.bin$/),
          expect.stringMatching(/^✓ second\.bin: 6\.00 MiB in 0:\d\d, /),
          expect.stringMatching(/^file-\w+ +second\.bin$/),
          "code 0",
          expect.stringMatching(/^[$#]$/)
        ])
      }),
    40_000
  )

  it.scopedLive(
    "Ctrl-C keeps the sent parts and prints how to resume, and the same command resumes the transfer",
    () =>
      Effect.gen(function*() {
        const { see, terminal, type, write } = yield* setup(120)
        yield* write("a.bin", 4 * MiB)
        yield* type("put a.bin --limit-rate 1MiB --part-size 256KiB --concurrency 1")
        yield* see(/a\.bin +[2-9]\d%/)
        yield* terminal.press("C-c")
        const screen = yield* see(/code 130/)
        expect(screen).toMatch(/Stopping\. Press Ctrl-C again to stop at once\./)
        expect(screen).toMatch(/a\.bin: interrupted\. What was sent is kept until .* UTC: run the same command again/)
        yield* type("put a.bin")
        const resumed = yield* see(/code 0/)
        expect(resumed).toMatch(/a\.bin: resumed, [\d.]+ (M|K)iB of 4\.00 MiB are there already/)
      }),
    40_000
  )

  it.scopedLive(
    "Ctrl-C cancels a transfer without a journal and waits for it, and a second Ctrl-C ends the process at once",
    () =>
      Effect.gen(function*() {
        const { see, terminal, type, uploads, write } = yield* setup(120)
        yield* write("a.bin", 4 * MiB)
        uploads.fault = (request) => request.endsWith("/cancel") ? 500 : "none"
        yield* type("put a.bin --no-resume --limit-rate 1MiB --part-size 1MiB")
        yield* see(/a\.bin +\d+%/)
        yield* terminal.press("C-c")
        yield* command.eventually("it cancels", () => uploads.requests.some((name) => name.endsWith("/cancel")))
        expect(yield* terminal.screen).not.toContain("code")
        yield* terminal.press("C-c")
        yield* see(/code 130/)
      }),
    40_000
  )

  it.scopedLive(
    "results go through a pipe while the bars stay on the screen, and NO_COLOR leaves out colours",
    () =>
      Effect.gen(function*() {
        const { see, type, write } = yield* setup(80, { NO_COLOR: "1" })
        yield* write("a.bin", 2 * MiB)
        yield* type("put a.bin --limit-rate 1MiB --part-size 256KiB | sed s/^/got:/")
        yield* see(/a\.bin +[1-9]\d?%/)
        const screen = yield* see(/code 0/)
        expect(linesOf(screen)).toEqual(expect.arrayContaining([expect.stringMatching(/^got:file-\w+$/)]))
      }),
    40_000
  )

  it.scopedLive("help fits the terminal, and Files are listed in columns", () =>
    Effect.gen(function*() {
      const { see, type, write } = yield* setup(120)
      yield* type("cancel --help | head -8")
      yield* see(/\$ uploads cancel \[--json\] \[\(-v, --verbose\)\] <UPLOAD>/)
      yield* write("a.bin", 1500)
      yield* type(`put -q a.bin; '${process.execPath}' '${main}' files list`)
      yield* see(/^file-\w+ +1\.46 KiB \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ user_data +a\.bin$/m)
    }), 40_000)
})
