import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { displayWidth, fit } from "../displayWidth.js"
import { formatSize, formatTime } from "../units.js"
import type { Item } from "./Item.js"

/** What one bar shows. */
export interface Bar {
  readonly name: string
  readonly totalBytes: number
  readonly sentBytes: number
  readonly bytesPerSecond: number
  readonly timeLeft: Option.Option<Duration.Duration>
  /** None where nothing is sent. */
  readonly partsInFlight: Option.Option<number>
  readonly retries: number
}

const ratio = ({ sentBytes, totalBytes }: Bar): number =>
  totalBytes === 0 ? 0 : Math.max(0, Math.min(1, sentBytes / totalBytes))

const percent = (bar: Bar): string => `${Math.floor(100 * ratio(bar))}%`.padStart(4)

const gauge = (bar: Bar, columns: number): string => {
  const inner = columns - 2
  const full = Math.floor(inner * ratio(bar))
  const head = full < inner ? ">" : ""
  return `[${"=".repeat(full)}${head}${" ".repeat(inner - full - head.length)}]`
}

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

const parts = (bar: Bar): ReadonlyArray<string> => [
  ...Option.match(bar.partsInFlight, {
    onNone: () => [],
    onSome: (count) => [`${plural(count, "part", "parts")} in flight`]
  }),
  ...(bar.retries === 0 ? [] : [plural(bar.retries, "retry", "retries")])
]

const rate = (bar: Bar): string => `${formatSize(bar.bytesPerSecond)}/s`

const size = ({ sentBytes, totalBytes }: Bar): string => `${formatSize(sentBytes)} of ${formatSize(totalBytes)}`

const narrowestGauge = 8
const widestGauge = 40
const gap = 1

/**
 * One line of at most `columns` columns: the name, the share, a gauge, and as much of the rest as there is room for, the most
 * important first.
 */
export const line = (bar: Bar, columns: number): string => {
  const nameColumns = Math.max(6, Math.min(displayWidth(bar.name), Math.floor(columns / 4), 32))
  const wanted = [
    rate(bar).padStart(10),
    Option.match(bar.timeLeft, { onNone: () => "", onSome: formatTime }).padStart(5),
    size(bar).padStart(22),
    ...parts(bar)
  ]
  let room = columns - nameColumns - gap - 4 - gap - narrowestGauge
  const fields: Array<string> = []
  for (const field of wanted) {
    if (displayWidth(field) + gap > room) break
    fields.push(field)
    room -= displayWidth(field) + gap
  }
  const head = `${fit(bar.name, nameColumns)} ${percent(bar)}`
  if (room < 0) return displayWidth(head) <= columns ? head : percent(bar).trim().slice(0, columns)
  const middle = gauge(bar, Math.min(narrowestGauge + room, widestGauge))
  return [head, middle, ...fields].join(" ").trimEnd()
}

/** The same where nothing can be redrawn. */
export const sentence = (bar: Bar): string =>
  [
    `${bar.name}:${percent(bar)}`,
    size(bar),
    rate(bar),
    ...Option.match(bar.timeLeft, { onNone: () => [], onSome: (left) => [`${formatTime(left)} left`] }),
    ...parts(bar)
  ].join(", ")

export const ofItem = (item: Item, partsInFlight: number): Bar => ({
  ...item,
  partsInFlight: Option.some(partsInFlight)
})

/** All files together. */
export interface Total extends Pick<Bar, "totalBytes" | "sentBytes" | "bytesPerSecond" | "timeLeft"> {
  readonly endedFiles: number
  readonly totalFiles: number
}

export const ofAll = (total: Total, items: ReadonlyArray<Item>, partsInFlight: number): Bar => ({
  ...total,
  name: `${total.endedFiles} of ${total.totalFiles} files`,
  partsInFlight: Option.some(partsInFlight),
  retries: items.reduce((sum, { retries }) => sum + retries, 0)
})

/** A bar for each file under way, as many as there are rows for, and one for all of them. */
export const lines = (
  items: ReadonlyArray<Item>,
  total: Option.Option<Total>,
  inFlight: (item: Item) => number,
  terminal: { readonly columns: number; readonly rows: number }
): ReadonlyArray<string> => {
  // A line that fills the last column makes some terminals begin a new one.
  const columns = Math.max(1, terminal.columns - 1)
  const sending = items.filter(({ phase }) => phase === "sending")
  if (sending.length === 0) {
    const next = items.find(({ phase }) => phase === "waiting")
    return next === undefined ? [] : [fit(`${next.name}: starting`, columns).trimEnd()]
  }
  const all = Option.toArray(total).map((total) =>
    ofAll(total, items, sending.reduce((sum, item) => sum + inFlight(item), 0))
  )
  const shown = sending.slice(0, Math.max(1, terminal.rows - 2 - all.length))
  return [...shown.map((item) => ofItem(item, inFlight(item))), ...all].map((bar) => line(bar, columns))
}
