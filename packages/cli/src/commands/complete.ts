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
  uploadId: common.uploadId,
  partIds: common.partIds,
  md5: common.md5.pipe(
    Options.optional,
    Options.withDescription("The md5 of all parts joined, which the service verifies.")
  ),
  json: common.json,
  verbose: common.verbose
}

export const complete = Command.make(
  "complete",
  options,
  ({ json, md5, partIds, uploadId, verbose }) =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const upload = yield* uploads.complete(uploadId, { partIds, md5: Option.getOrUndefined(md5) })
      yield* json ? results.json(Upload.Completed, upload) : results.text(upload.file.id)
    }).pipe(Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help("Joins the parts of an Upload, in the order in which they are listed, and prints the id of the File.", [
      ["uploads complete $upload $part1 $part2", "Makes a File of two parts."],
      ["uploads complete $upload $part --md5 $(md5sum < data.jsonl | cut -c -32)", "Has the service verify the bytes."]
    ])
  )
)
