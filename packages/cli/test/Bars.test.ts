import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Output from "../src/Output.js"
import type { Bar } from "../src/progress/bars.js"
import * as bars from "../src/progress/bars.js"
import * as FileProgress from "../src/progress/FileProgress.js"
import { fitColumns, stringWidth } from "../src/stringWidth.js"
import { recorder } from "./support/inProcess.js"

const bar: Bar = {
  name: "training.jsonl",
  totalBytes: 6 * 1024 ** 3,
  sentBytes: 1.5 * 1024 ** 3,
  bytesPerSecond: 80 * 1024 ** 2,
  timeLeft: Option.some(Duration.seconds(58)),
  partsInFlight: Option.some(4),
  retries: 2
}

describe("a bar", () => {
  it("has all facts if they fit", () => {
    expect(bars.line(bar, 120)).toBe(
      "training.jsonl  25% [=======>                      ] 80.0 MiB/s  0:58   1.50 GiB of 6.00 GiB 4 parts in flight 2 retries"
    )
  })

  it("has the most important facts in 80 and in 40 columns", () => {
    expect(bars.line(bar, 80)).toBe("training.jsonl  25% [====>             ] 80.0 MiB/s  0:58   1.50 GiB of 6.00 GiB")
    expect(bars.line(bar, 40)).toBe("training.…  25% [==>        ] 80.0 MiB/s")
  })

  it("never takes more columns than the terminal has, with any name", () => {
    for (const name of ["a", "名前".repeat(20), "👩‍👩‍👧‍👦".repeat(9), "x".repeat(300), ""]) {
      for (let columns = 1; columns <= 200; columns++) {
        expect(stringWidth(bars.line({ ...bar, name }, columns))).toBeLessThanOrEqual(columns)
      }
    }
  })

  it("is full when all bytes are sent, and empty for a file without bytes", () => {
    expect(bars.line({ ...bar, sentBytes: bar.totalBytes }, 60)).toContain("100% [========")
    expect(bars.line({ ...bar, sentBytes: 0, totalBytes: 0 }, 60)).toContain("  0% [>")
  })

  it("is a sentence where nothing can be redrawn", () => {
    expect(bars.sentence(bar)).toBe(
      "training.jsonl: 25%, 1.50 GiB of 6.00 GiB, 80.0 MiB/s, 0:58 left, 4 parts in flight, 2 retries"
    )
  })

  it("is shown for each file under way, as many as there are rows for, and for all together", () => {
    const item = (name: string, phase: FileProgress.FileProgress["phase"]): FileProgress.FileProgress => ({
      ...FileProgress.waiting(name),
      phase,
      totalBytes: 10
    })
    const items = [item("a", "completed"), ...["b", "c", "d", "e"].map((name) => item(name, "sending"))]
    const total = {
      sentBytes: 10,
      totalBytes: 50,
      endedFiles: 1,
      totalFiles: 5,
      bytesPerSecond: 5,
      timeLeft: Option.some(Duration.seconds(8))
    }
    const lines = bars.lines(items, Option.some(total), () => 1, { columns: 80, rows: 5 })
    expect(lines.map((line) => line.slice(0, 7).trim())).toEqual(["b", "c", "1 of 5"])
    expect(lines[2]).toMatch(/^1 of 5 files {2}20% \[=+> +\] {6}5 B\/s {2}0:08 {11}10 B of 50 B$/)
  })
})

describe("a text in columns", () => {
  it("is cut or filled to their number", () => {
    expect([fitColumns("abc", 5), fitColumns("abcdef", 5), fitColumns("名前名前", 5), fitColumns("", 2)]).toEqual([
      "abc  ",
      "abcd…",
      "名前…",
      "  "
    ])
  })
})

describe("the output", () => {
  const make = () => {
    const terminal = { columns: 20, rows: 10 }
    const stderr = recorder(terminal)
    const stdout = recorder()
    const output = Output.make({ stdout: stdout.writer, stderr: stderr.writer, colours: true })
    return { output, stderr, stdout, terminal }
  }

  it("redraws lines in place, and writes messages above them", () => {
    const { output, stderr } = make()
    Effect.runSync(output.live(["one", "two"]))
    Effect.runSync(output.message("message"))
    Effect.runSync(output.live([]))
    expect(stderr.text()).toBe(
      "one\ntwo\n" + "\u001b[2F\u001b[0J" + "message\n" + "one\ntwo\n" + "\u001b[2F\u001b[0J"
    )
  })

  it("erases all rows of a line that a narrower window has broken", () => {
    const { output, stderr, terminal } = make()
    Effect.runSync(output.live(["0123456789012345678"]))
    terminal.columns = 10
    Effect.runSync(output.live([]))
    expect(stderr.text()).toContain("\u001b[2F\u001b[0J")
  })

  it("has no colours without a terminal, and none if the user wants none", () => {
    const { output, stderr, stdout } = make()
    Effect.runSync(output.result("\u001b[31mred\u001b[0m"))
    Effect.runSync(output.message("\u001b[31mred\u001b[0m"))
    expect([stdout.text(), stderr.text()]).toEqual(["red\n", "\u001b[31mred\u001b[0m\n"])
    expect(output.resultStyles.red("a")).toBe("a")
  })

  it("replaces characters that would move the cursor", () => {
    expect(Output.printable("a\u001b[2Jb\r\u0007c\td")).toBe("a\ufffd[2Jb\ufffd\ufffdc\td")
  })
})
