/**
 * The report of a figure, and its rendering as Markdown.
 */

/** A goal of the project, with the measured value. */
export interface Target {
  readonly statement: string
  readonly measured: string
  readonly met: boolean
}

/** The results of a figure. */
export interface Report {
  readonly figure: number
  readonly title: string
  /** The setup of the measurement, in one sentence. */
  readonly setting: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly targets: ReadonlyArray<Target>
  /** Every single run, for the JSON file. */
  readonly runs: Readonly<Record<string, unknown>>
}

/** A target that bounds a number. */
export const bound = (
  statement: string,
  value: number,
  bound: { readonly atMost: number } | { readonly atLeast: number },
  show: (value: number) => string = times
): Target => ({
  statement,
  measured: show(value),
  met: "atMost" in bound ? value <= bound.atMost : value >= bound.atLeast
})

/** A ratio. */
export const times = (value: number): string => `${value.toFixed(2)} ×`

/** A time. */
export const seconds = (millis: number): string => `${(millis / 1000).toFixed(2)} s`

/** A short time. */
export const milliseconds = (millis: number): string => `${millis.toFixed(1)} ms`

/** An amount of memory. */
export const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`

/** The size of a file or a part, as a round number. */
export const size = (bytes: number): string =>
  bytes % 1024 ** 3 === 0
    ? `${bytes / 1024 ** 3} GiB`
    : bytes % 1024 ** 2 === 0
    ? `${bytes / 1024 ** 2} MiB`
    : `${bytes / 1024} KiB`

/** Renders a report as Markdown, ready to be pasted into the README. */
export const render = ({ columns, figure, rows, setting, targets, title }: Report): string =>
  [
    `## ${figure}. ${title}`,
    "",
    setting,
    "",
    ...table(columns, rows),
    "",
    ...table(
      ["target", "measured", ""],
      targets.map(({ measured, met, statement }) => [statement, measured, met ? "met" : "MISSED"])
    ),
    ""
  ].join("\n")

const table = (columns: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${widths.map((width, index) => (cells[index] ?? "").padEnd(width)).join(" | ")} |`
  return [line(columns), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)]
}
