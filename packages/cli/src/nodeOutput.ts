import * as Effect from "effect/Effect"
import type { Service, Writer } from "./Output.js"
import * as Output from "./Output.js"

const writerOf = (stream: NodeJS.WriteStream): Writer => ({
  isTerminal: stream.isTTY === true,
  columns: () => stream.columns > 0 ? stream.columns : 80,
  rows: () => stream.rows > 0 ? stream.rows : 24,
  write: (text) => {
    stream.write(text)
  },
  writeBytes: (bytes) =>
    Effect.async<void>((resume) => {
      // A closed pipe is reported by the `error` event of the stream.
      stream.write(bytes, () => resume(Effect.void))
    })
})

/** The streams of this process. A non-empty NO_COLOR turns colours off: https://no-color.org */
export const make = (): Service => {
  const { NO_COLOR, TERM } = process.env
  return Output.make({
    stdout: writerOf(process.stdout),
    stderr: writerOf(process.stderr),
    colours: (NO_COLOR === undefined || NO_COLOR === "") && TERM !== "dumb"
  })
}
