import * as MimeType from "@effect-uploads/domain/MimeType"
import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const isMimeType = Schema.is(MimeType.MimeType)

/** The documented extensions of each purpose with their types. `infer` returns the first type. */
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

/** Names of properties that every object inherits. */
const inherited = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"]

describe("MimeType", () => {
  describe("the schema", () => {
    it.each([
      "text/plain",
      "text/x-c++",
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      "text/plain; charset=utf-8",
      "text/plain;charset=\"utf-8\"",
      `${"a".repeat(127)}/${"b".repeat(127)}`,
      "TEXT/PLAIN"
    ])("accepts %j", (text) => {
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
      `${"a".repeat(128)}/b`,
      `a/${"b".repeat(128)}`,
      `text/plain; a=${"b".repeat(255)}`,
      "text/plain; a=\u0000",
      "text/plain\t; a=b",
      "text/plain; a=é",
      "text/plain\r\n; charset=utf-8",
      "text/plain; charset=utf-8\r\nx-header: 1",
      "téxt/plain"
    ])("rejects %j", (text) => {
      expect(isMimeType(text)).toBe(false)
    })

    it.prop("never accepts a control character, which would end a header", [MimeType.MimeType], ([mimeType]) => {
      expect(mimeType).not.toMatch(/\p{Cc}/u)
    })
  })

  describe("infer", () => {
    it.each(rows)("infers $types.0 from .$extension for $purpose", ({ extension, purpose, types }) => {
      const expected = Option.fromNullable(types[0])
      expect(MimeType.infer(`name.${extension}`, purpose)).toEqual(expected)
      expect(MimeType.infer(`NAME.${extension.toUpperCase()}`, purpose)).toEqual(expected)
      // The extension has the same type for the purposes that have no list.
      expect(MimeType.infer(`name.${extension}`, "user_data")).toEqual(expected)
      expect(MimeType.infer(`name.${extension}`, "evals")).toEqual(expected)
    })

    it("falls back on the list of another purpose", () => {
      expect(MimeType.infer("photo.png", "assistants")).toEqual(Option.some("image/png"))
      expect(MimeType.infer("notes.txt", "batch")).toEqual(Option.some("text/plain"))
    })

    it.each(["archive.tar.gz", "unknown.xyz", "README", "", ".", "..", "name.", ".gitignore", "json", "a.txt/b"])(
      "infers no type from the filename %j",
      (filename) => {
        for (const purpose of ["assistants", "batch", "vision", "user_data"]) {
          expect(MimeType.infer(filename, purpose)).toEqual(Option.none())
        }
      }
    )

    it("infers from the last extension, and from that of a dotfile", () => {
      expect(MimeType.infer("train.csv.jsonl", "fine-tune")).toEqual(Option.some("text/jsonl"))
      expect(MimeType.infer(".eslintrc.json", "assistants")).toEqual(Option.some("application/json"))
    })

    it.each(inherited)("infers nothing from the inherited property name %j", (name) => {
      expect(MimeType.infer(`file.${name}`, "assistants")).toEqual(Option.none())
      expect(MimeType.infer(`file.${name}`, name)).toEqual(Option.none())
      expect(MimeType.infer("file.txt", name)).toEqual(Option.some("text/plain"))
    })

    it.prop(
      "infers a valid type or none from any filename and purpose",
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

    it.each(["user_data", "evals", "telepathy", "", ...inherited])("returns no list for the purpose %j", (purpose) => {
      expect(MimeType.documentedFor(purpose)).toEqual(Option.none())
    })
  })

  describe("isDocumentedFor", () => {
    it.each(rows)("accepts $types for $purpose", ({ purpose, types }) => {
      for (const type of types) {
        expect(MimeType.isDocumentedFor(type, purpose)).toBe(true)
        expect(MimeType.isDocumentedFor(type.toUpperCase(), purpose)).toBe(true)
        expect(MimeType.isDocumentedFor(`${type} ; charset=utf-8`, purpose)).toBe(true)
      }
    })

    it("rejects a type that is in the list of another purpose only", () => {
      expect(MimeType.isDocumentedFor("image/png", "assistants")).toBe(false)
      expect(MimeType.isDocumentedFor("text/plain", "vision")).toBe(false)
      expect(MimeType.isDocumentedFor("application/json", "fine-tune")).toBe(false)
      expect(MimeType.isDocumentedFor("text/plain-ish", "assistants")).toBe(false)
    })

    it.each(["user_data", "evals", "telepathy", ...inherited])(
      "accepts any type for the purpose %j, which has no list",
      (purpose) => {
        expect(MimeType.isDocumentedFor("application/x-anything", purpose)).toBe(true)
      }
    )
  })
})
