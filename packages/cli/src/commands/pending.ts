import { Pending } from "@effect-uploads/domain/Upload"
import * as Command from "@effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Backend from "../Backend.js"
import { formatDuration, formatSize } from "../format.js"
import * as journals from "../journals.js"
import { Output, printable } from "../Output.js"
import * as results from "../results.js"
import { fitColumns } from "../stringWidth.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = { json: common.json, quiet: common.quiet, verbose: common.verbose }

const JsonLine = Schema.Struct({ upload: Pending, sentBytes: Schema.Number, isExpired: Schema.Boolean })

const left = (unfinished: journals.JournaledTransfer, now: DateTime.Utc): string =>
  unfinished.isExpired
    ? "expired"
    : `expires in ${formatDuration(Duration.millis(DateTime.distance(now, unfinished.upload.expiresAt)))}`

const row = (unfinished: journals.JournaledTransfer, now: DateTime.Utc, isTerminal: boolean): string => {
  const { sentBytes, upload } = unfinished
  const name = printable(upload.filename)
  return isTerminal
    ? `${fitColumns(upload.id, 40)} ${formatSize(sentBytes)} of ${formatSize(upload.bytes)} sent, ${
      left(unfinished, now)
    }: ${name}`
    : [upload.id, sentBytes, upload.bytes, DateTime.formatIso(upload.expiresAt), name.replaceAll("\t", " ")].join("\t")
}

export const pending = Command.make(
  "pending",
  options,
  ({ json, quiet, verbose }) =>
    Effect.gen(function*() {
      const output = yield* Output
      const now = yield* DateTime.now
      const unfinished = yield* journals.unfinished
      yield* Effect.forEach(unfinished, (one) =>
        json
          ? results.json(JsonLine, one)
          : output.result(quiet ? one.upload.id : row(one, now, output.isResultTerminal)), { discard: true })
      if (unfinished.length === 0 && !json && !quiet) yield* output.message("No transfer is unfinished.")
    }).pipe(Effect.provide(journals.layerReadOnly), Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help(
      "Lists the transfers that this machine's journals know as unfinished: Upload, bytes sent, size, expiry and name.",
      [["uploads pending", "Lists what can be resumed or cleaned up."]]
    )
  )
)
