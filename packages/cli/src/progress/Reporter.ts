import type * as Upload from "@effect-uploads/domain/Upload"
import type * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import type { FilesEvent } from "@effect-uploads/transfer/TransferFiles"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Description } from "../describeError.js"
import { formatDateTime, formatDuration, formatSize } from "../format.js"
import type { Styles } from "../Output.js"
import { Output, printable } from "../Output.js"
import * as bars from "./bars.js"
import * as FileProgress from "./FileProgress.js"
import * as jsonEvent from "./jsonEvent.js"

/** The reader of the report: a person at a terminal or of a log, a script that reads events, or a script that reads ids. */
export type Mode = "person" | "json" | "quiet"

interface Named {
  readonly path: string
  readonly name: string
}

/** Reports the progress of transfers. Each method takes the position of the file in the set. */
export interface Reporter {
  readonly event: (event: FilesEvent) => Effect.Effect<void>
  readonly failed: (index: number, description: Description) => Effect.Effect<void>
  readonly processed: (index: number, upload: Upload.Completed) => Effect.Effect<void>
  /** The transfers that are neither completed nor failed. */
  readonly unfinished: Effect.Effect<ReadonlyArray<{ readonly index: number; readonly upload: Upload.Pending }>>
  /** The number of files that were not started. */
  readonly waiting: Effect.Effect<number>
}

/** The interval of the bars in a terminal. Shorter ones look the same to a person. */
const redrawInterval = Duration.millis(200)

/** The interval of the lines in a log. */
const lineInterval = Duration.seconds(5)

/** The name of each file, or its path if another file has the same name. */
const labels = (sources: ReadonlyArray<Named>): ReadonlyArray<string> =>
  sources.map(({ name, path }) => sources.some((other) => other.path !== path && other.name === name) ? path : name)

const describeCompleted = (file: FileProgress.FileProgress, bytes: number, nowMillis: number): string => {
  const size = formatSize(bytes)
  if (Option.isNone(file.startedAt)) return `${size}, sent by an earlier run; --no-resume sends it again`
  const elapsed = Duration.millis(Math.max(1, nowMillis - file.startedAt.value))
  const speed = file.resumedBytes > 0
    ? `${formatSize(file.resumedBytes)} of it by an earlier run`
    : `${formatSize(bytes / Duration.toSeconds(elapsed))}/s`
  return `${size} in ${formatDuration(elapsed)}, ${speed}`
}

/** The line that tells a person about an event. None for an event that the bars show. */
const describeEvent = (
  file: FileProgress.FileProgress,
  event: TransferEvent.TransferEvent,
  { dim, green, yellow }: Styles,
  nowMillis: number
): Option.Option<string> => {
  switch (event._tag) {
    case "Started": {
      const { resumedBytes, upload } = event
      const sent = `${formatSize(resumedBytes)} of ${formatSize(upload.bytes)} are there already`
      return resumedBytes > 0 ? Option.some(dim(`${file.name}: resumed, ${sent}`)) : Option.none()
    }
    case "RequestRetrying": {
      // The bar does not move meanwhile: it is empty, or all bytes are sent.
      const { delay, reason, request } = event
      const failure = `the request to ${request} the Upload failed, again in ${formatDuration(delay)}`
      return Option.some(yellow(`${file.name}: ${failure}: ${printable(reason.message)}`))
    }
    case "TooSlow": {
      const expected = `at this rate it is sent at ${formatDateTime(event.expectedAt)}`
      const expiry = `after the Upload expires at ${formatDateTime(event.expiresAt)}`
      return Option.some(yellow(`${file.name}: ${expected}, ${expiry}`))
    }
    case "Restarted":
      return Option.some(dim(`${file.name}: begins again with a new Upload in place of ${event.replaced}`))
    case "Completed":
      return Option.some(`${green("✓")} ${file.name}: ${describeCompleted(file, event.upload.bytes, nowMillis)}`)
    case "Progress":
    case "PartDone":
    case "Retrying":
      return Option.none()
  }
}

const logRetry = (
  name: string,
  { attempt, delay, index, reason }: Extract<TransferEvent.TransferEvent, { readonly _tag: "Retrying" }>
) =>
  Effect.logDebug(
    `${name}: part ${index} failed (attempt ${attempt}), again in ${Duration.format(delay)}: ${reason.message}`
  )

/** Shows the progress at an interval until the scope closes: as bars in a terminal, as lines in a log. */
const showProgress = (
  files: ReadonlyArray<FileProgress.FileProgress>,
  total: () => Option.Option<bars.Total>,
  partsInFlight: (file: FileProgress.FileProgress) => number
) =>
  Effect.gen(function*() {
    const { live, message, terminal } = yield* Output
    if (terminal === undefined) {
      const printLines = Effect.suspend(() =>
        Effect.forEach(
          files.filter(({ phase }) => phase === "sending"),
          (file) => message(bars.sentence(bars.ofFile(file, partsInFlight(file)))),
          { discard: true }
        )
      )
      yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep(lineInterval), printLines)))
      return Effect.void
    }
    const redraw = Effect.suspend(() =>
      live(bars.lines(files, total(), partsInFlight, { columns: terminal.columns(), rows: terminal.rows() }))
    )
    yield* Effect.addFinalizer(() => live([]))
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep(redrawInterval), redraw)))
    return redraw
  })

export const make = (
  sources: ReadonlyArray<Named>,
  options: { readonly mode: Mode; readonly partsInFlight: (upload: Upload.Pending) => number }
): Effect.Effect<Reporter, never, Output | Scope.Scope> =>
  Effect.gen(function*() {
    const output = yield* Output
    const { styles } = output
    const files = labels(sources).map((label) => FileProgress.waiting(printable(label)))
    let total = Option.none<bars.Total>()
    const partsInFlight = (file: FileProgress.FileProgress): number =>
      Option.match(file.upload, { onNone: () => 0, onSome: options.partsInFlight })
    const isPerson = options.mode === "person"
    const json = (event: object) => Effect.when(output.result(JSON.stringify(event)), () => options.mode === "json")
    const redraw = isPerson ? yield* showProgress(files, () => total, partsInFlight) : Effect.void
    const pathOf = (index: number): string => sources[index]?.path ?? ""

    const fileEvent = (index: number, event: TransferEvent.TransferEvent) =>
      Effect.gen(function*() {
        const before = files[index]
        if (before === undefined) return
        const now = yield* Clock.currentTimeMillis
        const file = FileProgress.update(before, event, now)
        files[index] = file
        yield* json(jsonEvent.ofTransfer(pathOf(index), event))
        if (event._tag === "Retrying") yield* logRetry(file.name, event)
        const line = describeEvent(file, event, styles, now)
        if (!isPerson || Option.isNone(line)) return
        // Without its bar, so that the file is not shown twice.
        if (event._tag === "Completed") yield* redraw
        yield* output.message(line.value)
      })

    return {
      event: (event) => {
        if (event._tag === "FileEvent") return fileEvent(event.index, event.event)
        if (event._tag !== "FilesProgress" || sources.length === 1) return Effect.void
        total = Option.some(event)
        return Effect.asVoid(json(jsonEvent.ofTotal(event)))
      },
      failed: (index, description) =>
        Effect.gen(function*() {
          const file = files[index]
          if (file !== undefined) files[index] = { ...file, phase: "failed" }
          const name = file?.name ?? ""
          yield* json(jsonEvent.ofFailure(pathOf(index), description))
          yield* redraw
          if (Option.isNone(description.sentence)) return
          const sentence = description.sentence.value
          yield* output.message(`${styles.red("✗")} ${sentence.includes(name) ? "" : `${name}: `}${sentence}`)
        }),
      processed: (index, upload) => json(jsonEvent.ofProcessed(pathOf(index), upload.file.id)),
      waiting: Effect.sync(() => files.filter(({ phase }) => phase === "waiting").length),
      unfinished: Effect.sync(() =>
        files.flatMap(({ phase, upload }, index) =>
          phase === "sending" && Option.isSome(upload) ? [{ index, upload: upload.value }] : []
        )
      )
    }
  })
