/*
 * Delimiter lines by the grammar of RFC 2046, 5.1.1, where a padding of spaces and tabs may follow a boundary:
 *
 *   delimiter       = CRLF "--" boundary padding CRLF
 *   close-delimiter = CRLF "--" boundary "--" padding (CRLF | end of the body)
 *
 * Anything else that contains a boundary is data. The RFC allows to be laxer, but data that is taken for a close-delimiter
 * would be stored short.
 */
import * as patternSearch from "./patternSearch.js"

const encoder = new TextEncoder()

const tab = 9
const lineFeed = 10
const carriageReturn = 13
const space = 32
const dash = 45

/** Ends each line of a multipart body. */
export const lineBreak = encoder.encode("\r\n")

/** The most bytes of padding after a boundary. */
export const maximumPadding = 1024

/** The first delimiter in some bytes. `at` is the position of its line break, which is not a part of the content. */
export type Delimiter =
  /** The headers of a field follow from `end` on, behind a line break. */
  | { readonly _tag: "Next"; readonly at: number; readonly end: number }
  /** The bytes from `end` on are ignored. */
  | { readonly _tag: "Last"; readonly at: number; readonly end: number }
  /** More bytes are needed to recognize a delimiter. If the body `mayEnd` here, it is the last delimiter. */
  | { readonly _tag: "Incomplete"; readonly at: number; readonly mayEnd: boolean }
  /** The padding is longer than {@link maximumPadding}. */
  | { readonly _tag: "TooLong"; readonly at: number }
  | { readonly _tag: "None"; readonly at: number }

/** The rest of a delimiter line after its boundary, or undefined where the line is data. */
const readLine = (text: Uint8Array, at: number, boundaryEnd: number): Delimiter | undefined => {
  const size = text.byteLength
  let end = boundaryEnd
  const isLast = text[end] === dash
  if (isLast) {
    if (end + 1 === size) return { _tag: "Incomplete", at, mayEnd: false }
    if (text[end + 1] !== dash) return undefined
    end += 2
  }
  const padding = end
  while (end < size && (text[end] === space || text[end] === tab)) {
    if (end - padding === maximumPadding) return { _tag: "TooLong", at }
    end++
  }
  if (end === size) return { _tag: "Incomplete", at, mayEnd: isLast }
  if (text[end] !== carriageReturn) return undefined
  if (end + 1 === size) return { _tag: "Incomplete", at, mayEnd: isLast }
  if (text[end + 1] !== lineFeed) return undefined
  return { _tag: isLast ? "Last" : "Next", at, end }
}

const startsWith = (text: Uint8Array, prefix: Uint8Array) => prefix.every((byte, index) => byte === text[index])

/** Finds the first delimiter of a boundary. */
export const make = (boundary: string): (text: Uint8Array) => Delimiter => {
  const pattern = encoder.encode(`\r\n--${boundary}`)
  const search = patternSearch.make(pattern)
  return (text) => {
    for (let at = search(text); at >= 0; at = search(text, at + 1)) {
      const line = readLine(text, at, at + pattern.byteLength)
      if (line !== undefined) return line
    }
    const tail = Math.max(0, text.byteLength - pattern.byteLength + 1)
    for (let at = text.indexOf(carriageReturn, tail); at >= 0; at = text.indexOf(carriageReturn, at + 1)) {
      if (startsWith(pattern, text.subarray(at))) return { _tag: "Incomplete", at, mayEnd: false }
    }
    return { _tag: "None", at: text.byteLength }
  }
}
