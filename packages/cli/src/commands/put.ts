import type { FileObject } from "@effect-uploads/domain/FileObject"
import type * as Upload from "@effect-uploads/domain/Upload"
import { FilesService } from "@effect-uploads/http/FilesService"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import type { FileOutcome, FilesOptions } from "@effect-uploads/transfer/TransferFiles"
import { TransferJournal } from "@effect-uploads/transfer/TransferJournal"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Backend from "../Backend.js"
import { AlreadyReported, FileNotProcessed, UsageError } from "../CliError.js"
import { describeError } from "../describeError.js"
import { ExitCode } from "../ExitCode.js"
import { formatDateTime } from "../format.js"
import * as journals from "../journals.js"
import { Output, printable } from "../Output.js"
import type { Reporter } from "../progress/Reporter.js"
import * as Reporters from "../progress/Reporter.js"
import { limitRate } from "../rateLimit.js"
import * as sources from "../sources.js"
import * as uploadTracker from "../uploadTracker.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = {
  files: common.argument("FILE").pipe(
    Args.atLeast(1),
    Args.withDescription("Paths, patterns such as 'data/**/*.jsonl', http(s) URLs, or - for stdin.")
  ),
  purpose: common.purpose,
  expiresAfter: common.expiresAfter,
  mimeType: common.mimeType,
  name: Options.text("name").pipe(
    Options.withPseudoName("NAME"),
    Options.optional,
    Options.withDescription("The name of the File. By default that of the path or URL. Stdin needs it.")
  ),
  partSize: common.size("part-size").pipe(
    Options.optional,
    Options.withDescription("The size of a part, at most 64MiB. By default it depends on the size of the file.")
  ),
  concurrency: common.wholeNumber("concurrency", 1, 256).pipe(
    Options.withDefault(4),
    Options.withDescription("How many parts are sent at a time, all files together.")
  ),
  limitRate: common.size("limit-rate").pipe(
    Options.optional,
    Options.withDescription("Send no more than so many bytes a second, all files together.")
  ),
  noChecksum: Options.boolean("no-checksum").pipe(
    Options.withDescription("Do not compute the md5 that the service verifies.")
  ),
  resume: Options.boolean("resume").pipe(
    Options.withDescription("Insist on a journal. By default a transfer goes on without one where none can be written.")
  ),
  noResume: Options.boolean("no-resume").pipe(
    Options.withDescription("Keep no journal, and cancel the Upload when the transfer ends early.")
  ),
  wait: Options.boolean("wait").pipe(
    Options.withDescription("Wait until the service has processed the File.")
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Print each event as JSON on a line of its own.")),
  quiet: common.quiet,
  verbose: common.verbose
}

type PutOptions = Command.Command.ParseConfig<typeof options>

/** The journal of the options. Without `--resume`, a folder that cannot be written to causes a warning only. */
const journalLayer = ({ noResume, resume }: PutOptions) => {
  if (noResume) return Layer.empty
  if (resume) return journals.layer
  return Layer.catchAll(journals.layer, (error) =>
    error._tag === "LocalFileFailed"
      ? Layer.effectDiscard(
        Effect.logWarning(
          `${error.path} cannot be written: ${error.reason}. Without a journal this transfer cannot be resumed.`
        )
      )
      : Layer.fail(error))
}

/** Waits until the service has processed the File: until then its status is `uploaded`. */
const processed = ({ file }: Upload.Completed) =>
  Effect.gen(function*() {
    const files = yield* FilesService
    const now = yield* files.retrieve(file.id).pipe(
      Effect.repeat(
        Schedule.identity<FileObject>().pipe(
          Schedule.zipLeft(Schedule.spaced("2 seconds")),
          Schedule.whileInput(({ status }) => status === "uploaded")
        )
      )
    )
    if (now.status === "error") return yield* new FileNotProcessed({ file: now })
  })

/** The outcome of one file, with its exit code. */
interface Ended {
  readonly index: number
  readonly upload: Option.Option<Upload.Completed>
  readonly exitCode: ExitCode
}

/** Reports the outcome of a file. With `--wait`, waits for the File first. */
const reportOutcome = (outcome: FileOutcome, reporter: Reporter, wait: boolean) =>
  Effect.gen(function*() {
    if (outcome._tag === "Failed") return yield* outcome.error
    if (outcome._tag === "Skipped") return Option.none()
    if (wait) {
      yield* processed(outcome.upload)
      yield* reporter.processed(outcome.index, outcome.upload)
    }
    return Option.some(outcome.upload)
  }).pipe(
    Effect.map((upload): Ended => ({ index: outcome.index, upload, exitCode: ExitCode.success })),
    Effect.catchAll((error) => {
      const description = describeError(error)
      const ended: Ended = { index: outcome.index, upload: Option.none(), exitCode: description.exitCode }
      return Effect.as(reporter.failed(outcome.index, description), ended)
    })
  )

/** Prints the outcomes in the order of the arguments: each waits for those before it. */
const inOrder = <E, R>(print: (ended: Ended) => Effect.Effect<void, E, R>) => {
  const waiting = new Map<number, Ended>()
  let next = 0
  const flush: Effect.Effect<void, E, R> = Effect.suspend(() => {
    const ended = waiting.get(next)
    if (ended === undefined) return Effect.void
    waiting.delete(next++)
    return Effect.zipRight(print(ended), flush)
  })
  return (ended: Ended) => Effect.suspend(() => Effect.as(waiting.set(ended.index, ended) && flush, ended))
}

/** Tells what is left of each unfinished transfer: a journal, a cancelled Upload, or a pending one. */
const reportInterruption = (
  reporter: Reporter,
  { isCancelled, isKept }: {
    readonly isKept: (index: number) => boolean
    readonly isCancelled: (upload: Upload.Pending) => boolean
  }
) =>
  Effect.gen(function*() {
    const { message } = yield* Output
    for (const { index, upload } of yield* reporter.unfinished) {
      yield* message(
        isKept(index)
          ? `${upload.filename}: interrupted. What was sent is kept until ${formatDateTime(upload.expiresAt)}: ` +
            `run the same command again to resume, or \`uploads cleanup ${upload.id}\` to cancel.`
          : isCancelled(upload)
          ? `${upload.filename}: interrupted, and its Upload ${upload.id} cancelled.`
          : `${upload.filename}: interrupted. Its Upload is pending until ${formatDateTime(upload.expiresAt)}: ` +
            `run \`uploads cancel ${upload.id}\` to cancel.`
      )
    }
    const waiting = yield* reporter.waiting
    if (waiting > 0) yield* message(`${waiting} ${waiting === 1 ? "file was" : "files were"} not started.`)
  })

const excludeEachOther = (one: string, other: string) =>
  new UsageError({ problem: `${one} and ${other} exclude each other`, advice: "Leave one of them out." })

const run = (given: PutOptions) =>
  Effect.gen(function*() {
    const output = yield* Output
    if (given.json && given.quiet) return yield* excludeEachOther("--json", "--quiet")
    if (given.resume && given.noResume) return yield* excludeEachOther("--resume", "--no-resume")
    const all = yield* sources.resolve(given.files, Option.getOrUndefined(given.name))
    const service = yield* UploadsService
    const tracker = uploadTracker.make(
      Option.match(given.limitRate, { onNone: () => service, onSome: (rate) => limitRate(service, rate) })
    )
    const reporter = yield* Reporters.make(all, {
      mode: given.json ? "json" : given.quiet ? "quiet" : "person",
      partsInFlight: ({ id }) => tracker.partsInFlight(id)
    })
    const transfer: FilesOptions = {
      purpose: given.purpose,
      mimeType: Option.getOrUndefined(given.mimeType),
      expiresAfter: Option.getOrUndefined(given.expiresAfter),
      partSize: Option.getOrUndefined(given.partSize),
      concurrency: given.concurrency,
      checksum: !given.noChecksum
    }
    const hasJournal = Option.isSome(yield* TransferJournal)
    const single = all.length === 1

    const print = ({ index, upload }: Ended) =>
      Option.match(Option.filter(upload, () => !given.json), {
        onNone: () => Effect.void,
        onSome: ({ file }) =>
          output.result(single || given.quiet ? file.id : `${file.id}\t${printable(all[index]?.path ?? "")}`)
      })
    const ended = yield* Transfer.filesEvents(all.map(({ transfer }) => transfer), transfer).pipe(
      Stream.tap(reporter.event),
      Stream.filterMap((event) => event._tag === "FileEnded" ? Option.some(event.outcome) : Option.none()),
      Stream.mapEffect((outcome) => reportOutcome(outcome, reporter, given.wait), {
        concurrency: "unbounded",
        unordered: true
      }),
      Stream.mapEffect(inOrder(print)),
      Stream.runCollect,
      Effect.provideService(UploadsService, tracker.uploads),
      Effect.onInterrupt(() =>
        reportInterruption(reporter, {
          isKept: (index) => hasJournal && all[index]?.isFile === true,
          isCancelled: ({ id }) => tracker.isCancelled(id)
        })
      )
    )
    const [failed] = Array.from(ended).filter(({ exitCode }) => exitCode !== ExitCode.success)
      .sort((one, other) => one.index - other.index)
    if (failed !== undefined) return yield* new AlreadyReported({ exitCode: failed.exitCode })
  }).pipe(
    Effect.scoped,
    Effect.provide(journalLayer(given)),
    Backend.provide,
    withVerbosity(given.verbose)
  )

export const put = Command.make("put", options, run).pipe(
  Command.withDescription(
    common.help(
      "Sends files, each as one Upload, and prints the ids of the Files. A transfer that was interrupted, suspended or " +
        "killed goes on where it was when the same command is run again within the hour.",
      [
        ["uploads put training.jsonl --purpose fine-tune", "Sends a file."],
        ["id=$(uploads put -q training.jsonl)", "Keeps the id of the File in a variable."],
        ["uploads put 'data/**/*.jsonl' --concurrency 8", "Sends all files that match."],
        ["pg_dump shop | uploads put - --name shop.sql", "Sends the output of another program."],
        ["uploads put https://example.com/data.jsonl", "Sends the content of a URL."],
        ["uploads put big.bin --limit-rate 10MB --wait", "Leaves room on the line, and waits for the File."]
      ]
    )
  )
)
