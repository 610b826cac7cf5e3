import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.js"
import { UploadNotInJournal } from "../CliError.js"
import * as journals from "../journals.js"
import * as results from "../results.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = {
  uploadIds: Args.repeated(common.uploadId).pipe(
    Args.withDescription("The Uploads to clean up. By default all that `uploads pending` lists.")
  ),
  verbose: common.verbose
}

/** Cancels a pending Upload. An Upload that ended otherwise needs no cancellation. */
const cancel = ({ isCompleted, isExpired, upload }: journals.JournaledTransfer) =>
  Effect.flatMap(UploadsService, ({ cancel }) =>
    cancel(upload.id).pipe(
      Effect.catchTags({
        UploadNotFound: () => Effect.void,
        UploadAlreadyCancelled: () => Effect.void,
        UploadAlreadyCompleted: () => Effect.void,
        UploadExpired: () => Effect.void
      }),
      Effect.unless(() => isExpired || isCompleted),
      Effect.asVoid
    ))

const cleanUp = (transfer: journals.JournaledTransfer) =>
  Effect.zipRight(
    journals.close(transfer, cancel(transfer)),
    Effect.unless(results.text(transfer.upload.id), () => transfer.isCompleted)
  )

export const cleanup = Command.make(
  "cleanup",
  options,
  ({ uploadIds, verbose }) =>
    Effect.gen(function*() {
      const all = yield* journals.list
      const unknown = uploadIds.find((id) => !all.some(({ upload }) => upload.id === id))
      if (unknown !== undefined) return yield* new UploadNotInJournal({ uploadId: unknown })
      const chosen = uploadIds.length === 0 ? all : all.filter(({ upload }) => uploadIds.includes(upload.id))
      yield* Effect.forEach(chosen, cleanUp, { discard: true })
    }).pipe(Effect.provide(journals.layerReadOnly), Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help(
      "Cancels the Uploads of unfinished transfers, removes their journals, and prints the ids of the Uploads.",
      [
        ["uploads cleanup", "Cancels all that `uploads pending` lists."],
        ["uploads cleanup upload_abc123", "Cancels one."]
      ]
    )
  )
)
