import { describe, expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { manual } from "../manual.js"
import { meanings } from "../src/ExitCode.js"

const file = (name: string) => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), "utf8")

const readme = file("README.md")

/** The man page as it is read. */
const man = manual().replaceAll("\\-", "-")

describe("the README", () => {
  it("lists every exit code with its meaning", () => {
    const [, table = ""] = /\| Code \| Meaning \|\n\| --- \| --- \|\n([^]*?)\n\n/.exec(readme) ?? []
    expect(table.split("\n")).toEqual(meanings.map(([code, meaning]) => `| ${code} | ${meaning} |`))
  })

  it("names commands and options that exist", () => {
    const commands = Array.from(
      readme.matchAll(/`(uploads [a-z-]+(?: (?:list|show|get|delete))?)/g),
      ([, name]) => name
    )
    const known = Array.from(man.matchAll(/^\.SS (uploads .*)$/gm), ([, name]) => name)
    expect(known).toHaveLength(13)
    expect(new Set(commands.filter((name) => name !== "uploads --completions"))).toEqual(new Set(known))
    const options = Array.from(readme.matchAll(/(?<=[ `])(--[a-z][a-z0-9-]*)/g), ([option]) => option)
    const ofOthers = ["--global", "--help", "--completions", "--api-key"]
    for (const option of options.filter((name) => !ofOthers.includes(name))) expect(man).toContain(option)
  })
})

describe("the options of put", () => {
  it("are all in the README", () => {
    const [, section = ""] = /^\.SS uploads put\n([^]*?)^\.SS /m.exec(man) ?? []
    const options = Array.from(section.matchAll(/^\.B .*?(--[a-z0-9-]+)/gm), ([, option]) => option)
    expect(options.length).toBeGreaterThan(12)
    const [, table = ""] = /\| Option of `put` \|([^]*?)\n\n/.exec(readme) ?? []
    for (const option of options) expect(table).toContain(option)
  })
})

describe("the man page", () => {
  it("has the exit codes and no line that roff would take for a request", () => {
    for (const [code] of meanings) expect(man).toContain(`.B ${code}\n`)
    const requests = new Set(Array.from(man.matchAll(/^[.'](\S*)/gm), ([, name]) => name))
    expect([...requests].sort()).toEqual(
      ["B", "I", "IP", "PP", "SH", "SS", "TH", "TP"].filter((name) => requests.has(name))
    )
  })
})
