import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId } from "@effect-uploads/domain/Ids"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as ListFiles from "@effect-uploads/http/ListFiles"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Backend from "../Backend.js"
import { formatSize } from "../format.js"
import { Output, printable } from "../Output.js"
import * as results from "../results.js"
import { fitColumns } from "../stringWidth.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = {
  purpose: Options.text("purpose").pipe(
    Options.withPseudoName("PURPOSE"),
    Options.optional,
    Options.withDescription("Only Files of this purpose.")
  ),
  order: Options.choice("order", ["asc", "desc"]).pipe(
    Options.withDefault("desc"),
    Options.withDescription("By time of creation: the newest first (desc) or the oldest first (asc).")
  ),
  limit: common.wholeNumber("limit", 1, Number.MAX_SAFE_INTEGER).pipe(
    Options.optional,
    Options.withDescription("At most so many Files. By default all.")
  ),
  after: Options.text("after").pipe(
    Options.withPseudoName("FILE"),
    Options.withSchema(FileId),
    Options.optional,
    Options.withDescription("Only what comes after this File in the order.")
  ),
  json: common.json,
  quiet: common.quiet,
  verbose: common.verbose
}

/** A row in columns for a terminal, with tabs for a file or a pipe. */
const row = (file: FileObject, isTerminal: boolean): string => {
  const created = DateTime.formatIso(file.createdAt).replace(/\.\d+Z$/, "Z")
  const name = printable(file.filename)
  return isTerminal
    ? `${fitColumns(file.id, 32)} ${formatSize(file.bytes).padStart(9)} ${created} ${
      fitColumns(file.purpose, 10)
    } ${name}`
    : [file.id, file.bytes, created, file.purpose, name.replaceAll("\t", " ")].join("\t")
}

export const filesList = Command.make(
  "list",
  options,
  ({ after, json, limit, order, purpose, quiet, verbose }) =>
    Effect.gen(function*() {
      const files = yield* FilesService
      const output = yield* Output
      const all = files.list({
        order,
        purpose: Option.getOrUndefined(purpose),
        after: Option.getOrUndefined(after),
        limit: Option.getOrUndefined(Option.map(limit, (limit) => Math.min(limit, ListFiles.maximumLimit)))
      })
      yield* Option.match(limit, { onNone: () => all, onSome: (limit) => Stream.take(all, limit) }).pipe(
        Stream.runForEach((file) =>
          json
            ? results.json(FileObject, file)
            : output.result(quiet ? file.id : row(file, output.isResultTerminal))
        )
      )
    }).pipe(Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help(
      "Lists Files: id, size, time of creation, purpose and name, with tabs in between where a program reads.",
      [
        ["uploads files list --purpose fine-tune --limit 10", "Lists the ten newest Files for fine-tuning."],
        ["uploads files list --json | jq .filename", "Lists names, through jq."]
      ]
    )
  )
)
