import * as Either from "effect/Either"
import type { Decoder } from "./transferEncoding.js"

/** The most bytes that a text field may have, encoded: enough for any value of the API. */
const maximumBytes = 1024

const nothing = new Uint8Array(0)

/** Collects a text field: emits no data, and calls `onText` with the whole text at its end. */
export const make = (decoder: Decoder, onText: (text: string) => void): Decoder => {
  const utf8 = new TextDecoder()
  let bytes = 0
  let text = ""
  return {
    decode: (chunk) => {
      bytes += chunk.byteLength
      if (bytes > maximumBytes) return Either.left(`it has more than ${maximumBytes} bytes`)
      return Either.map(decoder.decode(chunk), (decoded) => {
        text += utf8.decode(decoded, { stream: true })
        return nothing
      })
    },
    end: () => Either.map(decoder.end(), () => onText(text + utf8.decode()))
  }
}
