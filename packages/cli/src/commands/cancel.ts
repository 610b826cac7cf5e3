import * as Upload from "@effect-uploads/domain/Upload"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.js"
import * as results from "../results.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = { uploadId: common.uploadId, json: common.json, verbose: common.verbose }

export const cancel = Command.make(
  "cancel",
  options,
  ({ json, uploadId, verbose }) =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const upload = yield* uploads.cancel(uploadId)
      yield* json ? results.json(Upload.Cancelled, upload) : results.text(upload.id)
    }).pipe(Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help("Cancels a pending Upload: the service discards its parts. Prints its id.", [
      ["uploads cancel $upload", "Cancels an Upload."]
    ])
  )
)
