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
      // A pipe that is closed is told by the stream's `error` event.
      stream.write(bytes, () => resume(Effect.void))
    })
})

/** The streams of this process. https://no-color.org: NO_COLOR counts when it is not empty. */
export const make = (): Service => {
  const { NO_COLOR, TERM } = process.env
  return Output.make({
    stdout: writerOf(process.stdout),
    stderr: writerOf(process.stderr),
    colours: (NO_COLOR === undefined || NO_COLOR === "") && TERM !== "dumb"
  })
}
