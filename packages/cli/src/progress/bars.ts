import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { formatDuration, formatSize } from "../format.js"
import { fitColumns, stringWidth } from "../stringWidth.js"
import type { FileProgress } from "./FileProgress.js"

/** The facts of one bar. */
export interface Bar {
  readonly name: string
  readonly totalBytes: number
  readonly sentBytes: number
  readonly bytesPerSecond: number
  readonly timeLeft: Option.Option<Duration.Duration>
  /** None for a download. */
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
 * One line of at most `columns` columns: name, percentage and gauge. The rate, the time left, the sizes, the parts and the
 * retries follow in this order, as far as they fit.
 */
export const line = (bar: Bar, columns: number): string => {
  const nameColumns = Math.max(6, Math.min(stringWidth(bar.name), Math.floor(columns / 4), 32))
  const wanted = [
    rate(bar).padStart(10),
    Option.match(bar.timeLeft, { onNone: () => "", onSome: formatDuration }).padStart(5),
    size(bar).padStart(22),
    ...parts(bar)
  ]
  let room = columns - nameColumns - gap - 4 - gap - narrowestGauge
  const fields: Array<string> = []
  for (const field of wanted) {
    if (stringWidth(field) + gap > room) break
    fields.push(field)
    room -= stringWidth(field) + gap
  }
  const head = `${fitColumns(bar.name, nameColumns)} ${percent(bar)}`
  if (room < 0) return stringWidth(head) <= columns ? head : percent(bar).trim().slice(0, columns)
  const middle = gauge(bar, Math.min(narrowestGauge + room, widestGauge))
  return [head, middle, ...fields].join(" ").trimEnd()
}

/** The same facts for a log, in which nothing is redrawn. */
export const sentence = (bar: Bar): string =>
  [
    `${bar.name}:${percent(bar)}`,
    size(bar),
    rate(bar),
    ...Option.match(bar.timeLeft, { onNone: () => [], onSome: (left) => [`${formatDuration(left)} left`] }),
    ...parts(bar)
  ].join(", ")

export const ofFile = (file: FileProgress, partsInFlight: number): Bar => ({
  ...file,
  partsInFlight: Option.some(partsInFlight)
})

/** The progress of all files together. */
export interface Total extends Pick<Bar, "totalBytes" | "sentBytes" | "bytesPerSecond" | "timeLeft"> {
  readonly endedFiles: number
  readonly totalFiles: number
}

const ofAll = (total: Total, files: ReadonlyArray<FileProgress>, partsInFlight: number): Bar => ({
  ...total,
  name: `${total.endedFiles} of ${total.totalFiles} files`,
  partsInFlight: Option.some(partsInFlight),
  retries: files.reduce((sum, { retries }) => sum + retries, 0)
})

/** A bar for each file that is being sent, as far as the rows suffice, and one for all files. */
export const lines = (
  files: ReadonlyArray<FileProgress>,
  total: Option.Option<Total>,
  partsInFlight: (file: FileProgress) => number,
  terminal: { readonly columns: number; readonly rows: number }
): ReadonlyArray<string> => {
  // Some terminals begin a new line after the last column.
  const columns = Math.max(1, terminal.columns - 1)
  const sending = files.filter(({ phase }) => phase === "sending")
  if (sending.length === 0) {
    const next = files.find(({ phase }) => phase === "waiting")
    return next === undefined ? [] : [fitColumns(`${next.name}: starting`, columns).trimEnd()]
  }
  const all = Option.toArray(total).map((total) =>
    ofAll(total, files, sending.reduce((sum, file) => sum + partsInFlight(file), 0))
  )
  const shown = sending.slice(0, Math.max(1, terminal.rows - 2 - all.length))
  return [...shown.map((file) => ofFile(file, partsInFlight(file))), ...all].map((bar) => line(bar, columns))
}
