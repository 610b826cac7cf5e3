import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { stringWidth } from "./stringWidth.js"

/** A stream of the process, or its replacement in a test. */
export interface Writer {
  readonly isTerminal: boolean
  /** The current size of the terminal. It changes with the window. */
  readonly columns: () => number
  readonly rows: () => number
  readonly write: (text: string) => void
  /** Waits until the stream accepts the bytes. */
  readonly writeBytes: (bytes: Uint8Array) => Effect.Effect<void>
}

export interface Styles {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

export interface Service {
  /** A line of the result, on stdout. */
  readonly result: (line: string) => Effect.Effect<void>
  /** Bytes of the result, on stdout. */
  readonly resultBytes: (bytes: Uint8Array) => Effect.Effect<void>
  /** A line for the person at the terminal, on stderr. */
  readonly message: (line: string) => Effect.Effect<void>
  /** Shows these lines below all messages in place of those that it showed before. For a terminal only. */
  readonly live: (lines: ReadonlyArray<string>) => Effect.Effect<void>
  /** The terminal of the messages; undefined where they go to a file or a pipe. */
  readonly terminal: { readonly columns: () => number; readonly rows: () => number } | undefined
  readonly isResultTerminal: boolean
  /** For messages. */
  readonly styles: Styles
  /** For results. */
  readonly resultStyles: Styles
}

export class Output extends Context.Tag("@effect-uploads/cli/Output")<Output, Service>() {}

const escape = "\u001b"

const styled = (on: boolean) => (code: number) => (text: string) => on ? `${escape}[${code}m${text}${escape}[0m` : text

const stylesOf = (on: boolean): Styles => {
  const style = styled(on)
  return { bold: style(1), dim: style(2), red: style(31), green: style(32), yellow: style(33) }
}

/** Colours and other styles, which are removed for a file, a pipe, or with NO_COLOR. */
const sequences = /\u001b\[[0-9;]*m/g

/** Characters that control a terminal, such as those that move the cursor. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** The text without control characters, apart from line breaks and tabs. */
export const printable = (text: string): string => text.replace(controls, "\ufffd")

export const make = (options: {
  readonly stdout: Writer
  readonly stderr: Writer
  /** True if the user wants colours in a terminal. */
  readonly colours: boolean
}): Service => {
  const { colours, stderr, stdout } = options
  const plain = (writer: Writer, text: string) => colours && writer.isTerminal ? text : text.replace(sequences, "")
  let shown: ReadonlyArray<string> = []

  /** Erases the shown lines. A line can take more rows after a resize, so the rows are counted now. */
  const erase = (): string => {
    if (shown.length === 0) return ""
    const columns = Math.max(1, stderr.columns())
    const rows = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / columns)), 0)
    return `${escape}[${rows}F${escape}[0J`
  }
  const draw = (lines: ReadonlyArray<string>): string => lines.map((line) => `${plain(stderr, line)}\n`).join("")

  /** Writes above the shown lines: erases them, writes, and draws them again. */
  const above = (write: () => void) =>
    Effect.sync(() => {
      if (shown.length > 0) stderr.write(erase())
      write()
      if (shown.length > 0) stderr.write(draw(shown))
    })
  /** Results that go to a file or a pipe do not touch the shown lines. */
  const result = (write: () => void) => stdout.isTerminal ? above(write) : Effect.sync(write)

  return {
    result: (line) => result(() => stdout.write(`${plain(stdout, line)}\n`)),
    resultBytes: (bytes) => stdout.writeBytes(bytes),
    message: (line) => above(() => stderr.write(`${plain(stderr, line)}\n`)),
    live: (lines) =>
      Effect.sync(() => {
        stderr.write(`${erase()}${draw(lines)}`)
        shown = lines
      }),
    terminal: stderr.isTerminal ? { columns: stderr.columns, rows: stderr.rows } : undefined,
    isResultTerminal: stdout.isTerminal,
    styles: stylesOf(colours && stderr.isTerminal),
    resultStyles: stylesOf(colours && stdout.isTerminal)
  }
}
