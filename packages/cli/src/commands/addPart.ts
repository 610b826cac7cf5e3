import type { UploadId } from "@effect-uploads/domain/Ids"
import { PartTooLarge } from "@effect-uploads/domain/UploadError"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as PartData from "@effect-uploads/http/PartData"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Backend from "../Backend.js"
import { LocalFileFailed, UsageError } from "../CliError.js"
import { Environment } from "../Environment.js"
import * as results from "../results.js"
import { rootCauseMessage } from "../rootCause.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = {
  uploadId: common.uploadId,
  path: common.argument("FILE").pipe(Args.withDescription("The file with the bytes of the part, or - for stdin.")),
  offset: common.parsed(
    Options.text("offset").pipe(Options.withPseudoName("BYTES")),
    (text) => Option.filter(Option.some(/^\d+$/.test(text) ? Number(text) : NaN), Number.isSafeInteger),
    "a whole number of bytes"
  ).pipe(Options.withDefault(0), Options.withDescription("Where the part begins in the file.")),
  bytes: common.size("bytes").pipe(
    Options.optional,
    Options.withDescription("The size of the part. By default all from the offset to the end of the file.")
  ),
  json: common.json,
  verbose: common.verbose
}

/** A part from stdin is kept in memory, so that it can be sent again. */
const ofStdin = (uploadId: UploadId) =>
  Effect.gen(function*() {
    const { stdin } = yield* Environment
    const { partBytes } = yield* UploadLimits
    const arriving = PartData.incoming(Stream.mapError(stdin, (cause) => new PartData.PartUnreadable({ cause })))
    const chunks = yield* PartData.collect(arriving, {
      limit: partBytes,
      tooLarge: () => new PartTooLarge({ uploadId, limit: partBytes })
    })
    return new Uint8Array(Buffer.concat(chunks))
  })

const ofFile = (path: string, range: { readonly offset: number; readonly bytes: number | undefined }) =>
  Effect.mapError(
    PartData.file(path, range),
    (error) => new LocalFileFailed({ path, doing: "read", reason: rootCauseMessage(error) })
  )

export const addPart = Command.make(
  "add-part",
  options,
  ({ bytes, json, offset, path, uploadId, verbose }) =>
    Effect.gen(function*() {
      if (path === "-" && (offset > 0 || Option.isSome(bytes))) {
        return yield* new UsageError({
          problem: "--offset and --bytes are for files",
          advice: "Cut the input with `head` and `tail`."
        })
      }
      const uploads = yield* UploadsService
      const data = path === "-"
        ? yield* ofStdin(uploadId)
        : yield* ofFile(path, { offset, bytes: Option.getOrUndefined(bytes) })
      const part = yield* uploads.addPart(uploadId, data)
      yield* json ? results.json(UploadPart, part) : results.text(part.id)
    }).pipe(Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help("Adds a part of up to 64 MiB to an Upload, and prints its id.", [
      ["uploads add-part $upload first.bin", "Sends a file as a part."],
      ["uploads add-part $upload big.bin --offset 67108864 --bytes 64MiB", "Sends the second 64 MiB of a file."],
      ["head -c 1000 big.bin | uploads add-part $upload -", "Sends the output of another program."]
    ])
  )
)
