import * as MimeType from "@effect-uploads/domain/MimeType"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Backend from "../Backend.js"
import * as results from "../results.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = {
  name: Options.text("name").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("The name of the File.")
  ),
  bytes: common.size("bytes").pipe(Options.withDescription("The number of bytes of all parts together.")),
  purpose: common.purpose,
  expiresAfter: common.expiresAfter,
  mimeType: common.mimeType,
  json: common.json,
  verbose: common.verbose
}

export const create = Command.make(
  "create",
  options,
  ({ bytes, expiresAfter, json, mimeType, name, purpose, verbose }) =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const upload = yield* uploads.create({
        filename: name,
        bytes,
        purpose,
        mimeType: mimeType.pipe(
          Option.orElse(() => MimeType.infer(name, purpose)),
          Option.getOrElse(() => "application/octet-stream")
        ),
        expiresAfter: Option.getOrUndefined(expiresAfter)
      })
      yield* json ? results.json(Upload.Pending, upload) : results.text(upload.id)
    }).pipe(Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help("Creates an Upload, which stays pending for an hour, and prints its id.", [
      ["upload=$(uploads create --name data.jsonl --bytes 20 --purpose fine-tune)", "Creates an Upload of 20 bytes."]
    ])
  )
)
