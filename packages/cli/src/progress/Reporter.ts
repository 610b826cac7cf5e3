import type * as Upload from "@effect-uploads/domain/Upload"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
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

/** Tells of the transfers while they run. */
export interface Reporter {
  readonly event: (index: number, event: TransferEvent.TransferEvent) => Effect.Effect<void>
  readonly failed: (index: number, description: Description) => Effect.Effect<void>
  readonly processed: (index: number, upload: Upload.Completed) => Effect.Effect<void>
  /** The transfers that were under way when it was asked. */
  readonly unfinished: Effect.Effect<ReadonlyArray<{ readonly index: number; readonly upload: Upload.Pending }>>
}

/** A person's eye sees a change within this time as one at once. */
const redrawInterval = Duration.millis(200)

/** In a log a line is worth reading when something has changed. */
const lineInterval = Duration.seconds(5)

export const make = (
  names: ReadonlyArray<string>,
  options: { readonly mode: Mode; readonly partsInFlight: (upload: Upload.Pending) => number }
): Effect.Effect<Reporter, never, Output | Scope.Scope> =>
  Effect.gen(function*() {
    const output = yield* Output
    const { mode } = options
    const { terminal } = output
    const items = names.map((name) => Item.waiting(printable(name)))
    const { dim, green, red, yellow } = output.styles
    const inFlight = (item: Item.Item): number =>
      Option.match(item.upload, { onNone: () => 0, onSome: options.partsInFlight })
    const personReads = mode === "person"
    const message = (line: string) => Effect.when(output.message(line), () => personReads)
    const json = (event: object) => Effect.when(output.result(JSON.stringify(event)), () => mode === "json")

    const redraw = Effect.suspend(() =>
      terminal === undefined
        ? Effect.void
        : output.live(bars.lines(items, inFlight, { columns: terminal.columns(), rows: terminal.rows() }))
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
          const elapsed = Duration.millis(Math.max(1, now - item.startedAt))
          const speed = item.resumedBytes > 0
            ? `${formatSize(item.resumedBytes)} of it by an earlier run`
            : `${formatSize(upload.bytes / Duration.toSeconds(elapsed))}/s`
          return message(`${green("✓")} ${item.name}: ${formatSize(upload.bytes)} in ${formatTime(elapsed)}, ${speed}`)
        }
      })

    return {
      event: (index, event) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          yield* change(index, (item) => Item.update(item, event, now))
          const item = items[index]
          if (item === undefined) return
          yield* json(jsonEvent.ofTransfer(item.name, event))
          if (personReads && terminal !== undefined && event._tag === "Completed") yield* redraw
          yield* tell(item, event, now)
        }),
      failed: (index, description) =>
        Effect.gen(function*() {
          yield* change(index, (item) => ({ ...item, phase: "failed" }))
          const name = items[index]?.name ?? ""
          yield* json(jsonEvent.ofFailure(name, description))
          if (personReads) yield* redraw
          yield* Option.match(description.sentence, {
            onNone: () => Effect.void,
            onSome: (sentence) => output.message(`${red("✗")} ${sentence.includes(name) ? "" : `${name}: `}${sentence}`)
          })
        }),
      processed: (index, upload) => json(jsonEvent.ofProcessed(items[index]?.name ?? "", upload.file.id)),
      unfinished: Effect.sync(() =>
        items.flatMap(({ phase, upload }, index) =>
          phase === "sending" && Option.isSome(upload) ? [{ index, upload: upload.value }] : []
        )
      )
    }
  })
