import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as bytes from "../bytes.js"
import * as utf8 from "../utf8.js"
import type { Decoder } from "./transferEncoding.js"

/** The most bytes that a text field may have, encoded: enough for any value of the API. */
const maximumBytes = 1024

const nothing = new Uint8Array(0)

/** Collects a text field: emits no data, and calls `onText` with the whole text at its end. */
export const make = (decoder: Decoder, onText: (text: string) => void): Decoder => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  return {
    decode: (chunk) => {
      size += chunk.byteLength
      if (size > maximumBytes) return Either.left(`it has more than ${maximumBytes} bytes`)
      return Either.map(decoder.decode(chunk), (decoded) => {
        chunks.push(new Uint8Array(decoded))
        return nothing
      })
    },
    end: () =>
      Either.flatMap(decoder.end(), () =>
        Option.match(utf8.decode(bytes.concat(chunks)), {
          onNone: () => Either.left("it is not valid UTF-8"),
          onSome: (text) => Either.right(onText(text))
        }))
  }
}
