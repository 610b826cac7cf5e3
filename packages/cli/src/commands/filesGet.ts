import type { FileObject } from "@effect-uploads/domain/FileObject"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Backend from "../Backend.js"
import { TargetExists } from "../CliError.js"
import { unmark } from "../commandLine.js"
import * as download from "../download.js"
import { Environment } from "../Environment.js"
import { formatDuration, formatSize } from "../format.js"
import { Output, printable } from "../Output.js"
import * as bars from "../progress/bars.js"
import * as results from "../results.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = {
  fileId: common.fileId,
  output: Options.text("output").pipe(
    Options.withAlias("o"),
    Options.map(unmark),
    Options.withPseudoName("PATH"),
    Options.optional,
    Options.withDescription("Where to write, or - for stdout. By default the name of the File, in the current folder.")
  ),
  md5: common.md5.pipe(
    Options.optional,
    Options.withDescription("The md5 that the content must have. The number of bytes is always verified.")
  ),
  force: Options.boolean("force").pipe(
    Options.withAlias("f"),
    Options.withDescription("Replace a file that exists.")
  ),
  quiet: common.quiet,
  verbose: common.verbose
}

/** The names of Windows devices, with any extension. https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const device = /^(con|prn|aux|nul|(com|lpt)[0-9])(\.|$)/i

/**
 * The filename from the service as a name in the current folder: without folders, and without a dot that would hide the file.
 * On Windows, reserved characters and names of devices are changed too.
 */
const safeName = (file: FileObject, platform: string): string => {
  const name = printable(file.filename).replace(/^.*[/\\]/s, "").replace(/[\n\t]/g, " ").replace(/^\.+/, "")
  const onPlatform = platform === "win32"
    ? name.replace(/[<>:"|?*]/g, "_").replace(/[. ]+$/, "").replace(device, "_$&")
    : name
  return onPlatform.trim() === "" ? file.id : onPlatform
}

/** Shows a bar while the effect runs. `progress` has the received bytes. */
const withBar =
  (file: FileObject, name: string, progress: { resumed: number; received: number }, show: boolean) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const { live, terminal } = yield* Output
      if (!show || terminal === undefined) return yield* effect
      const startedAt = yield* Clock.currentTimeMillis
      const draw = Effect.gen(function*() {
        const elapsed = (yield* Clock.currentTimeMillis) - startedAt
        const bytesPerSecond = elapsed > 0 ? (progress.received - progress.resumed) * 1000 / elapsed : 0
        const bar: bars.Bar = {
          name,
          totalBytes: file.bytes,
          sentBytes: progress.received,
          bytesPerSecond,
          timeLeft: bytesPerSecond > 0
            ? Option.some(Duration.seconds((file.bytes - progress.received) / bytesPerSecond))
            : Option.none(),
          partsInFlight: Option.none(),
          retries: 0
        }
        yield* live([bars.line(bar, Math.max(1, terminal.columns() - 1))])
      })
      return yield* Effect.raceFirst(
        effect,
        Effect.forever(Effect.zipRight(draw, Effect.sleep("200 millis")))
      ).pipe(Effect.ensuring(live([])))
    })

export const filesGet = Command.make(
  "get",
  options,
  ({ fileId, force, md5, output: target, quiet, verbose }) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const output = yield* Output
      const files = yield* FilesService
      const file = yield* files.retrieve(fileId)
      const { platform } = yield* Environment
      const path = Option.getOrElse(target, () => safeName(file, platform))
      const name = printable(path === "-" ? file.filename : path)
      const progress = { resumed: 0, received: 0 }
      const onBytes = (received: number) => {
        progress.received = received
      }
      const shown = withBar(file, name, progress, !quiet)
      const startedAt = yield* Clock.currentTimeMillis
      if (path === "-") {
        return yield* shown(download.toPipe(file, { md5, onBytes, write: output.resultBytes }))
      }
      if (!force && (yield* Effect.orElseSucceed(fs.exists(path), () => false))) {
        return yield* new TargetExists({ path })
      }
      const { resumedBytes } = yield* shown(download.toFile(file, path, {
        md5,
        onBytes: (received) => {
          if (progress.received === 0) progress.resumed = received
          onBytes(received)
        }
      }))
      if (!quiet) {
        const elapsed = Duration.millis(Math.max(1, (yield* Clock.currentTimeMillis) - startedAt))
        const resumed = resumedBytes > 0 ? `, ${formatSize(resumedBytes)} of it by an earlier run` : ""
        yield* output.message(
          `${output.styles.green("✓")} ${name}: ${formatSize(file.bytes)} in ${formatDuration(elapsed)}${resumed}`
        )
      }
      yield* results.text(path)
    }).pipe(Backend.provide, withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help(
      "Downloads the content of a File, verifies it, and prints its path. A download that was broken off goes on where it " +
        "was when the same command is run again: until it is verified, it is in a file that ends with .partial.",
      [
        ["uploads files get file-abc123", "Downloads to the name of the File."],
        [
          "uploads files get file-abc123 -o data.jsonl --md5 $md5",
          "Downloads to another name, and verifies the md5 too."
        ],
        ["uploads files get file-abc123 -o - | wc -l", "Hands the content to another program."]
      ]
    )
  )
)
