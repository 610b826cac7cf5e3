/**
 * The MIME type that an Upload declares.
 *
 * Some purposes accept certain types only. The lists here come from OpenAI's guides for file search, vision, fine-tuning and
 * the Batch API.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type { FilePurpose } from "./FilePurpose.js"
import { maximumMimeTypeLength } from "./RequestText.js"

/**
 * A MIME type, which may have parameters: `text/plain; charset=utf-8`. The type and the subtype have at most 127 characters
 * each, all together has at most 255. Parameters are printable ASCII, so a MIME type never ends a header line.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6838#section-4.2
 *
 * @since 0.1.0
 * @category schemas
 */
export const MimeType = Schema.String.pipe(
  Schema.pattern(/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?: *;[ -~]*)?$/),
  Schema.maxLength(maximumMimeTypeLength, {
    description: `a MIME type of the form type/subtype with at most ${maximumMimeTypeLength} characters`,
    jsonSchema: { type: "string" }
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type MimeType = typeof MimeType.Type

/** Maps a file extension to its types. {@link infer} returns the first of them. */
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
 * The type to declare for a file, by its extension. The list of the purpose comes first, then the lists of the other
 * purposes. None if no list has the extension.
 *
 * @example
 * ```ts
 * import * as MimeType from "@effect-uploads/domain/MimeType"
 *
 * export const mimeType = MimeType.infer("training.jsonl", "fine-tune") // Option.some("text/jsonl")
 * ```
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
 * The types that are documented for a purpose. None if there is no list: `user_data` accepts any type, and no list is
 * published for `evals` and newer purposes.
 *
 * @since 0.1.0
 * @category combinators
 */
export const documentedFor = (purpose: FilePurpose): Option.Option<ReadonlyArray<MimeType>> =>
  Option.map(Record.get(tables, purpose), (table) => Arr.dedupe(Record.values(table).flat()))

/**
 * True if the list of the purpose has the type, or if the purpose has no list. Parameters such as `charset` are ignored.
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
