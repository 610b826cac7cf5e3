import { FileObject } from "@effect-uploads/domain/FileObject"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as Command from "@effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Backend from "../Backend.js"
import { formatSize } from "../format.js"
import * as results from "../results.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = { fileId: common.fileId, json: common.json, verbose: common.verbose }

const facts = (file: FileObject): ReadonlyArray<readonly [name: string, value: string]> => [
  ["id", file.id],
  ["name", file.filename],
  ["bytes", `${file.bytes} (${formatSize(file.bytes)})`],
  ["purpose", file.purpose],
  ["status", file.status],
  ...Option.match(file.statusDetails, { onNone: () => [], onSome: (details) => [["details", details] as const] }),
  ["created", DateTime.formatIso(file.createdAt)],
  ["expires", Option.match(file.expiresAt, { onNone: () => "never", onSome: DateTime.formatIso })]
]

export const filesShow = Command.make(
  "show",
  options,
  ({ fileId, json, verbose }) =>
    Effect.gen(function*() {
      const files = yield* FilesService
      const file = yield* files.retrieve(fileId)
      if (json) return yield* results.json(FileObject, file)
      yield* Effect.forEach(facts(file), ([name, value]) => results.text(`${`${name}:`.padEnd(9)}${value}`), {
        discard: true
      })
    }).pipe(Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help("Shows what the service knows of a File.", [
      ["uploads files show file-abc123", "Shows a File."],
      ["uploads files show file-abc123 --json", "Prints the same as JSON."]
    ])
  )
)
