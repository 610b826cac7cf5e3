import * as Domain from "@effect-uploads/domain"
import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import { readFileSync } from "node:fs"

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8")
const readme = read("../README.md")

/** The code in the first column of the table under a heading. */
const firstColumn = (heading: string): ReadonlyArray<string> => {
  const [section = ""] = readme.split(`\n## ${heading}\n`).slice(1).join().split("\n## ")
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].flatMap(([, name]) => name ?? [])
}

describe("README.md", () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it("shows the code of readme.ts, which the compiler checks with the tests", () => {
    const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code)
    expect(blocks).toEqual([read("./readme.ts")])
  })

  it("shows the printed text beside each line that prints", async () => {
    const printed: Array<unknown> = []
    vi.spyOn(console, "log").mockImplementation((value) => {
      printed.push(value)
    })
    await import("./readme.js")
    expect(printed).toHaveLength(3)
    expect([...readme.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map(([, comment]) => comment)).toEqual(printed)
  })

  it("lists every error with its fields", () => {
    const [section = ""] = readme.split("\n## Errors\n").slice(1).join().split("\n## ")
    const listed = [...section.matchAll(/^\| `(\w+)` \|.*\| (.*) \|$/gm)].map(([, name, fields = ""]) => ({
      name,
      fields: [...fields.matchAll(/\w+/g)].map(([field]) => field).sort()
    }))
    const errors = [...Domain.UploadError.UploadError.members, Domain.FileError.FileNotFound]
    expect(listed).toEqual(errors.map(({ _tag, fields }) => ({
      name: _tag,
      fields: Object.keys(fields).filter((field) => field !== "_tag" && field !== "response").sort()
    })))
  })

  it("lists every module of the package once", () => {
    expect([...firstColumn("Modules")].sort()).toEqual(Object.keys(Domain).sort())
  })

  it("lists every state of an Upload", () => {
    expect(firstColumn("States")).toEqual(Domain.Upload.Upload.members.map(({ name }) => `Upload.${name}`))
  })
})
