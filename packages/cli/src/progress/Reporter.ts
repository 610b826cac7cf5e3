import type * as Upload from "@effect-uploads/domain/Upload"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import type { FilesEvent } from "@effect-uploads/transfer/TransferFiles"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Description } from "../describeError.js"
import { formatMoment } from "../moment.js"
import { Output, printable } from "../Output.js"
import { formatSize, formatTime } from "../units.js"
import * as bars from "./bars.js"
import * as Item from "./Item.js"
import * as jsonEvent from "./jsonEvent.js"

/** Who reads: a person at a terminal or in a log, a script that reads events, or one that wants ids. */
export type Mode = "person" | "json" | "quiet"

interface Named {
  readonly path: string
  readonly name: string
}

/** Tells of the transfers while they run. */
export interface Reporter {
  readonly event: (event: FilesEvent) => Effect.Effect<void>
  readonly failed: (index: number, description: Description) => Effect.Effect<void>
  readonly processed: (index: number, upload: Upload.Completed) => Effect.Effect<void>
  /** The transfers that were under way when it was asked. */
  readonly unfinished: Effect.Effect<ReadonlyArray<{ readonly index: number; readonly upload: Upload.Pending }>>
  /** The number of files that were not begun. */
  readonly waiting: Effect.Effect<number>
}

/** A person's eye sees a change within this time as one at once. */
const redrawInterval = Duration.millis(200)

/** In a log a line is worth reading when something has changed. */
const lineInterval = Duration.seconds(5)

/** A path tells apart what has the same name. */
const labels = (sources: ReadonlyArray<Named>): ReadonlyArray<string> =>
  sources.map(({ name, path }) => sources.some((other) => other.path !== path && other.name === name) ? path : name)

export const make = (
  sources: ReadonlyArray<Named>,
  options: { readonly mode: Mode; readonly partsInFlight: (upload: Upload.Pending) => number }
): Effect.Effect<Reporter, never, Output | Scope.Scope> =>
  Effect.gen(function*() {
    const output = yield* Output
    const { mode } = options
    const { terminal } = output
    const items = labels(sources).map((label) => Item.waiting(printable(label)))
    let all = Option.none<bars.Total>()
    const { dim, green, red, yellow } = output.styles
    const inFlight = (item: Item.Item): number =>
      Option.match(item.upload, { onNone: () => 0, onSome: options.partsInFlight })
    const personReads = mode === "person"
    const message = (line: string) => Effect.when(output.message(line), () => personReads)
    const json = (event: object) => Effect.when(output.result(JSON.stringify(event)), () => mode === "json")

    const redraw = Effect.suspend(() =>
      terminal === undefined
        ? Effect.void
        : output.live(bars.lines(items, all, inFlight, { columns: terminal.columns(), rows: terminal.rows() }))
    )
    const tellProgress = Effect.suspend(() =>
      Effect.forEach(
        items.filter(({ phase }) => phase === "sending"),
        (item) => output.message(bars.sentence(bars.ofItem(item, inFlight(item)))),
        { discard: true }
      )
    )
    if (personReads) {
      const [show, interval] = terminal === undefined ? [tellProgress, lineInterval] : [redraw, redrawInterval]
      // The bars end with the transfers: what is done has a line of its own.
      yield* Effect.addFinalizer(() => terminal === undefined ? Effect.void : output.live([]))
      yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep(interval), show)))
    }

    const change = (index: number, f: (item: Item.Item) => Item.Item) =>
      Effect.sync(() => {
        const item = items[index]
        if (item !== undefined) items[index] = f(item)
      })

    const tell = (item: Item.Item, event: TransferEvent.TransferEvent, now: number) =>
      TransferEvent.$match(event, {
        Started: ({ resumedBytes, upload }) =>
          resumedBytes > 0
            ? message(
              dim(`${item.name}: resumed, ${formatSize(resumedBytes)} of ${formatSize(upload.bytes)} are there already`)
            )
            : Effect.void,
        Progress: () => Effect.void,
        PartDone: () => Effect.void,
        Retrying: ({ attempt, delay, index, reason }) =>
          Effect.logDebug(
            `${item.name}: part ${index} failed (attempt ${attempt}), again in ${
              Duration.format(delay)
            }: ${reason.message}`
          ),
        // The bar stands still meanwhile: at nothing, or with all bytes sent.
        RequestRetrying: ({ delay, reason, request }) =>
          message(
            yellow(
              `${item.name}: the request to ${request} the Upload failed, again in ${formatTime(delay)}: ` +
                printable(reason.message)
            )
          ),
        TooSlow: ({ expectedAt, expiresAt }) =>
          message(
            yellow(
              `${item.name}: at this rate it is sent at ${formatMoment(expectedAt)}, ` +
                `after the Upload expires at ${formatMoment(expiresAt)}`
            )
          ),
        Restarted: ({ replaced }) =>
          message(dim(`${item.name}: begins again with a new Upload in place of ${replaced}`)),
        Completed: ({ upload }) => {
          const size = formatSize(upload.bytes)
          const how = Option.match(item.startedAt, {
            onNone: () => `${size}, sent by an earlier run; --no-resume sends it again`,
            onSome: (startedAt) => {
              const elapsed = Duration.millis(Math.max(1, now - startedAt))
              const speed = item.resumedBytes > 0
                ? `${formatSize(item.resumedBytes)} of it by an earlier run`
                : `${formatSize(upload.bytes / Duration.toSeconds(elapsed))}/s`
              return `${size} in ${formatTime(elapsed)}, ${speed}`
            }
          })
          return message(`${green("✓")} ${item.name}: ${how}`)
        }
      })

    const fileEvent = (index: number, event: TransferEvent.TransferEvent) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        yield* change(index, (item) => Item.update(item, event, now))
        const item = items[index]
        if (item === undefined) return
        yield* json(jsonEvent.ofTransfer(pathOf(index), event))
        if (personReads && terminal !== undefined && event._tag === "Completed") yield* redraw
        yield* tell(item, event, now)
      })

    const pathOf = (index: number): string => sources[index]?.path ?? ""

    return {
      event: (event) => {
        if (event._tag === "FileEvent") return fileEvent(event.index, event.event)
        if (event._tag !== "FilesProgress" || sources.length === 1) return Effect.void
        all = Option.some(event)
        return Effect.asVoid(json(jsonEvent.ofTotal(event)))
      },
      failed: (index, description) =>
        Effect.gen(function*() {
          yield* change(index, (item) => ({ ...item, phase: "failed" }))
          const name = items[index]?.name ?? ""
          yield* json(jsonEvent.ofFailure(pathOf(index), description))
          if (personReads) yield* redraw
          yield* Option.match(description.sentence, {
            onNone: () => Effect.void,
            onSome: (sentence) => output.message(`${red("✗")} ${sentence.includes(name) ? "" : `${name}: `}${sentence}`)
          })
        }),
      processed: (index, upload) => json(jsonEvent.ofProcessed(pathOf(index), upload.file.id)),
      waiting: Effect.sync(() => items.filter(({ phase }) => phase === "waiting").length),
      unfinished: Effect.sync(() =>
        items.flatMap(({ phase, upload }, index) =>
          phase === "sending" && Option.isSome(upload) ? [{ index, upload: upload.value }] : []
        )
      )
    }
  })
