import * as MimeType from "@effect-uploads/domain/MimeType"
import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const isMimeType = Schema.is(MimeType.MimeType)

/** The documented extensions of a purpose with their types, the one to declare first. */
const documented: Record<string, Record<string, ReadonlyArray<string>>> = {
  assistants: {
    c: ["text/x-c"],
    cpp: ["text/x-c++"],
    cs: ["text/x-csharp"],
    css: ["text/css"],
    doc: ["application/msword"],
    docx: ["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    html: ["text/html"],
    java: ["text/x-java"],
    js: ["text/javascript"],
    json: ["application/json"],
    md: ["text/markdown"],
    pdf: ["application/pdf"],
    php: ["text/x-php"],
    pptx: ["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
    py: ["text/x-python", "text/x-script.python"],
    rb: ["text/x-ruby"],
    sh: ["application/x-sh"],
    tex: ["text/x-tex"],
    ts: ["application/typescript"],
    txt: ["text/plain"]
  },
  batch: { jsonl: ["text/jsonl", "application/jsonl"] },
  "fine-tune": { jsonl: ["text/jsonl", "application/jsonl"] },
  vision: {
    gif: ["image/gif"],
    jpeg: ["image/jpeg"],
    jpg: ["image/jpeg"],
    png: ["image/png"],
    webp: ["image/webp"]
  }
}

const rows = Object.entries(documented).flatMap(([purpose, table]) =>
  Object.entries(table).map(([extension, types]) => ({ purpose, extension, types }))
)

/** Names that every object has without having been given them. */
const inherited = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"]

describe("MimeType", () => {
  describe("the schema", () => {
    it.each([
      "text/plain",
      "text/x-c++",
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      "text/plain; charset=utf-8",
      "text/plain;charset=\"utf-8\"",
      "TEXT/PLAIN"
    ])("takes %j", (text) => {
      expect(isMimeType(text)).toBe(true)
    })

    it.each([
      "",
      "text",
      "text/",
      "/plain",
      "text/plain/x",
      "text /plain",
      " text/plain",
      "text/plain charset=utf-8",
      "text/plain\n",
      "text/plain\r\n; charset=utf-8",
      "text/plain; charset=utf-8\r\nx-header: 1",
      "téxt/plain"
    ])("refuses %j", (text) => {
      expect(isMimeType(text)).toBe(false)
    })

    it.prop("never takes a line break, which would end a header", [MimeType.MimeType], ([mimeType]) => {
      expect(mimeType).not.toMatch(/[\r\n]/)
    })
  })

  describe("infer", () => {
    it.each(rows)(".$extension for $purpose is $types.0", ({ extension, purpose, types }) => {
      const expected = Option.fromNullable(types[0])
      expect(MimeType.infer(`name.${extension}`, purpose)).toEqual(expected)
      expect(MimeType.infer(`NAME.${extension.toUpperCase()}`, purpose)).toEqual(expected)
      // What an extension means does not hang on the purpose.
      expect(MimeType.infer(`name.${extension}`, "user_data")).toEqual(expected)
      expect(MimeType.infer(`name.${extension}`, "evals")).toEqual(expected)
    })

    it("falls back on what the extension means for another purpose", () => {
      expect(MimeType.infer("photo.png", "assistants")).toEqual(Option.some("image/png"))
      expect(MimeType.infer("notes.txt", "batch")).toEqual(Option.some("text/plain"))
    })

    it.each(["archive.tar.gz", "unknown.xyz", "README", "", ".", "..", "name.", ".gitignore", "json", "a.txt/b"])(
      "finds nothing for %j",
      (filename) => {
        for (const purpose of ["assistants", "batch", "vision", "user_data"]) {
          expect(MimeType.infer(filename, purpose)).toEqual(Option.none())
        }
      }
    )

    it("reads the last extension, and that of a dotfile", () => {
      expect(MimeType.infer("train.csv.jsonl", "fine-tune")).toEqual(Option.some("text/jsonl"))
      expect(MimeType.infer(".eslintrc.json", "assistants")).toEqual(Option.some("application/json"))
    })

    it.each(inherited)("finds nothing under the inherited name %j", (name) => {
      expect(MimeType.infer(`file.${name}`, "assistants")).toEqual(Option.none())
      expect(MimeType.infer(`file.${name}`, name)).toEqual(Option.none())
      expect(MimeType.infer("file.txt", name)).toEqual(Option.some("text/plain"))
    })

    it.prop(
      "finds a type that may be declared, or none",
      [FastCheck.string(), FastCheck.string()],
      ([name, purpose]) => {
        for (const filename of [name, `${name}.txt`, `.${name}`]) {
          expect(Option.match(MimeType.infer(filename, purpose), { onNone: () => true, onSome: isMimeType })).toBe(true)
        }
      }
    )
  })

  describe("documentedFor", () => {
    it.each(Object.keys(documented))("lists each type of %s once", (purpose) => {
      const types = Object.values(documented[purpose] ?? {}).flat()
      expect(Option.map(MimeType.documentedFor(purpose), (list) => [...list].sort())).toEqual(
        Option.some([...new Set(types)].sort())
      )
    })

    it.each(["user_data", "evals", "telepathy", "", ...inherited])("knows no list for %j", (purpose) => {
      expect(MimeType.documentedFor(purpose)).toEqual(Option.none())
    })
  })

  describe("isDocumentedFor", () => {
    it.each(rows)("$types for $purpose", ({ purpose, types }) => {
      for (const type of types) {
        expect(MimeType.isDocumentedFor(type, purpose)).toBe(true)
        expect(MimeType.isDocumentedFor(type.toUpperCase(), purpose)).toBe(true)
        expect(MimeType.isDocumentedFor(`${type} ; charset=utf-8`, purpose)).toBe(true)
      }
    })

    it("not for a purpose with another list", () => {
      expect(MimeType.isDocumentedFor("image/png", "assistants")).toBe(false)
      expect(MimeType.isDocumentedFor("text/plain", "vision")).toBe(false)
      expect(MimeType.isDocumentedFor("application/json", "fine-tune")).toBe(false)
      expect(MimeType.isDocumentedFor("text/plain-ish", "assistants")).toBe(false)
    })

    it.each(["user_data", "evals", "telepathy", ...inherited])("anything for %j, which has no list", (purpose) => {
      expect(MimeType.isDocumentedFor("application/x-anything", purpose)).toBe(true)
    })
  })
})
