/**
 * The MIME type that an Upload declares.
 *
 * For some purposes the service insists on a supported type; the lists here are the documented ones, from the
 * guides for file search, vision, fine-tuning and the Batch API.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type { FilePurpose } from "./FilePurpose.js"

/**
 * @since 0.1.0
 * @category schemas
 */
export const MimeType = Schema.String.pipe(
  Schema.pattern(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[ \t]*;.*)?$/, {
    description: "a MIME type of the form type/subtype",
    jsonSchema: { type: "string" }
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type MimeType = typeof MimeType.Type

/** File extension to types; the first of several is the one to declare. */
type Table = Readonly<Record<string, Arr.NonEmptyReadonlyArray<MimeType>>>

const jsonLines: Table = { jsonl: ["text/jsonl", "application/jsonl"] }

const assistants: Table = {
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
}

const vision: Table = {
  gif: ["image/gif"],
  jpeg: ["image/jpeg"],
  jpg: ["image/jpeg"],
  png: ["image/png"],
  webp: ["image/webp"]
}

const tables: Readonly<Record<string, Table>> = {
  assistants,
  batch: jsonLines,
  "fine-tune": jsonLines,
  vision
}

const anyTable: Table = { ...assistants, ...vision, ...jsonLines }

const extension = (filename: string): string => {
  const dot = filename.lastIndexOf(".")
  return dot < 0 ? "" : filename.slice(dot + 1).toLowerCase()
}

/**
 * The type to declare for a file: what its extension means for the purpose, else what it means for any other.
 * None when the extension is in no list.
 *
 * @since 0.1.0
 * @category combinators
 */
export const infer = (filename: string, purpose: FilePurpose): Option.Option<MimeType> =>
  Record.get(tables, purpose).pipe(
    Option.flatMap(Record.get(extension(filename))),
    Option.orElse(() => Record.get(anyTable, extension(filename))),
    Option.map(Arr.headNonEmpty)
  )

/**
 * The types that are documented for a purpose. None when there is no list: `user_data` takes any type, and for
 * `evals` and later purposes no list is published.
 *
 * @since 0.1.0
 * @category combinators
 */
export const documentedFor = (purpose: FilePurpose): Option.Option<ReadonlyArray<MimeType>> =>
  Option.map(Record.get(tables, purpose), (table) => Arr.dedupe(Record.values(table).flat()))

/**
 * Whether nothing in the documentation speaks against the type: it is in the list of the purpose, or the purpose
 * has no list. Parameters such as `charset` do not count.
 *
 * @since 0.1.0
 * @category guards
 */
export const isDocumentedFor = (mimeType: MimeType, purpose: FilePurpose): boolean => {
  const [essence = ""] = mimeType.split(";")
  return Option.match(documentedFor(purpose), {
    onNone: () => true,
    onSome: (documented) => documented.includes(essence.trim().toLowerCase())
  })
}
