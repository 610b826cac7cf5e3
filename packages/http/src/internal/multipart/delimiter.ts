import * as patternSearch from "./patternSearch.js"

const encoder = new TextEncoder()

const carriageReturn = 13

/** Ends each line of a multipart body. */
export const lineBreak = encoder.encode("\r\n")

/** The text that may follow a delimiter. Followed by anything else it is data. */
const endings = { next: lineBreak, last: encoder.encode("--") }

/** The first delimiter in some bytes. */
export interface Delimiter {
  /** The position of its line break, which belongs to it and not to the content before it. */
  readonly at: number
  /**
   * `next`: the headers of a field follow. `last`: nothing that counts follows. `more`: the bytes end before they tell.
   * `none`: there is no delimiter.
   */
  readonly kind: keyof typeof endings | "more" | "none"
}

export interface DelimiterSearch {
  /** The length of a delimiter without its ending. */
  readonly bytes: number
  readonly find: (text: Uint8Array) => Delimiter
}

const startsWith = (text: Uint8Array, prefix: Uint8Array) => prefix.every((byte, index) => byte === text[index])

/** Searches for the delimiters of a boundary. */
export const make = (boundary: string): DelimiterSearch => {
  const delimiter = encoder.encode(`\r\n--${boundary}`)
  const search = patternSearch.make(delimiter)
  return {
    bytes: delimiter.byteLength,
    find: (text) => {
      for (let at = search(text); at >= 0; at = search(text, at + 1)) {
        const after = text.subarray(at + delimiter.byteLength, at + delimiter.byteLength + 2)
        if (startsWith(after, endings.next)) return { at, kind: "next" }
        if (startsWith(after, endings.last)) return { at, kind: "last" }
        if (startsWith(endings.next, after) || startsWith(endings.last, after)) return { at, kind: "more" }
      }
      const tail = Math.max(0, text.byteLength - delimiter.byteLength + 1)
      for (let at = text.indexOf(carriageReturn, tail); at >= 0; at = text.indexOf(carriageReturn, at + 1)) {
        if (startsWith(delimiter, text.subarray(at))) return { at, kind: "more" }
      }
      return { at: text.byteLength, kind: "none" }
    }
  }
}
