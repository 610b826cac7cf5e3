import { FilesService } from "@effect-uploads/http/FilesService"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.js"
import * as results from "../results.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = { fileIds: Args.atLeast(common.fileId, 1), verbose: common.verbose }

export const filesDelete = Command.make(
  "delete",
  options,
  ({ fileIds, verbose }) =>
    Effect.gen(function*() {
      const files = yield* FilesService
      yield* Effect.forEach(
        fileIds,
        (fileId) => Effect.zipRight(files.delete(fileId), results.text(fileId)),
        { discard: true }
      )
    }).pipe(Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help(
      "Deletes Files, one after the other, and prints the id of each that is deleted. Stops at the first failure.",
      [
        ["uploads files delete file-abc123", "Deletes a File."],
        ["uploads files list -q --purpose evals | xargs uploads files delete", "Deletes all Files of a purpose."]
      ]
    )
  )
)
