import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as Headers from "@effect/platform/Headers"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { PartUnreadable } from "../PartData.js"
import { fieldName } from "./multipartWriter.js"
import type { Decoder } from "./transferEncoding.js"
import { decoders } from "./transferEncoding.js"

/*
 * A parser of our own: the usual one refuses a file name beyond Latin-1, an epilogue, and a body that the network
 * happens to split within its last boundary.
 */

const maximumFields = 16

/** What the headers of one field may take up, in bytes. */
const maximumHeaders = 16 * 1024

/** What everything but the data and the headers may take up, in bytes. */
const maximumIgnored = 1024 * 1024

/** A parameter of a header, such as `; name="data"`. */
const parameters = /;\s*([^\s"=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";]*))/g

const parameter = (header: string, name: string): string | undefined => {
  for (const [, key = "", quoted, token = ""] of header.matchAll(parameters)) {
    if (key.toLowerCase() === name) return quoted === undefined ? token : quoted.replace(/\\(.)/g, "$1")
  }
  return undefined
}

const boundaryOf = (headers: Headers.Headers): string | undefined => {
  const contentType = headers["content-type"] ?? ""
  return /^\s*multipart\/form-data\s*;/i.test(contentType) ? parameter(contentType, "boundary") : undefined
}

const invalid = (problem: string, limit = `one ${fieldName} field of a multipart/form-data body`) =>
  new InvalidRequest({ field: fieldName, problem, limit })

/** How the data is encoded, if the headers of a field are those of the data. */
const decoderOf = (headers: string): Either.Either<Decoder | undefined, InvalidRequest> => {
  const values = new Map<string, string>()
  for (const line of headers === "" ? [] : headers.split("\r\n")) {
    const colon = line.indexOf(":")
    if (colon <= 0) return Either.left(invalid("the headers of a field cannot be read"))
    values.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  const name = parameter(values.get("content-disposition") ?? "", "name")
  if (name === undefined) return Either.left(invalid("a field has no name"))
  if (name !== fieldName) return Either.right(undefined)
  const encoding = values.get("content-transfer-encoding") ?? "binary"
  const decoder = decoders.get(encoding.toLowerCase())
  // Of an unknown encoding the data would be stored as it is encoded.
  return decoder === undefined
    ? Either.left(invalid(`its Content-Transfer-Encoding is ${encoding}`, [...decoders.keys()].join(", ")))
    : Either.right(decoder())
}

const encoder = new TextEncoder()

const carriageReturn = 13
const lineBreak = encoder.encode("\r\n")

/**
 * Where a pattern first stands, or -1. As Horspool describes it: most bytes are never looked at. It is compared from its
 * line break on, which no other place of a boundary has, so that no data makes it slow.
 */
type Find = (text: Uint8Array, from?: number) => number

const finder = (pattern: Uint8Array): Find => {
  const end = pattern.byteLength - 1
  const skips = new Array<number>(256).fill(pattern.byteLength)
  pattern.subarray(0, end).forEach((byte, index) => {
    skips[byte] = end - index
  })
  return (text, from = 0) => {
    let at = from
    while (at + end < text.byteLength) {
      let index = 0
      while (index <= end && text[at + index] === pattern[index]) index++
      if (index > end) return at
      at += skips[text[at + end] ?? 0] ?? 1
    }
    return -1
  }
}

const blankLine = encoder.encode("\r\n\r\n")
const findBlankLine = finder(blankLine)

/** What a boundary is followed by: the headers of a field, or nothing that counts. Anything else makes it data. */
const endings = { next: lineBreak, last: encoder.encode("--") }

interface Delimiter {
  readonly at: number
  /** `more` where more bytes have to tell, `none` where there is none up to the end. */
  readonly kind: keyof typeof endings | "more" | "none"
}

const delimiterFinder = (delimiter: Uint8Array): (text: Uint8Array) => Delimiter => {
  const find = finder(delimiter)
  const startsWith = (text: Uint8Array, prefix: Uint8Array) => prefix.every((byte, index) => byte === text[index])
  return (text) => {
    for (let at = find(text); at >= 0; at = find(text, at + 1)) {
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

const concat = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  if (a.byteLength === 0) return b
  const both = new Uint8Array(a.byteLength + b.byteLength)
  both.set(a)
  both.set(b, a.byteLength)
  return both
}

/** Takes a body apart as it arrives. What is sent as it is, is passed on as views of the chunks that it arrived in. */
const makeReader = (boundary: string) => {
  const delimiter = encoder.encode(`\r\n--${boundary}`)
  const findDelimiter = delimiterFinder(delimiter)
  let section: "preamble" | "headers" | "data" | "ignored" | "epilogue" = "preamble"
  // The line break of the first boundary is missing where the body begins with it.
  let rest: Uint8Array = lineBreak
  let fields = 0
  let ignored = 0
  let decoder: Decoder | undefined

  const read = (chunk: Uint8Array): Either.Either<ReadonlyArray<Uint8Array>, InvalidRequest> => {
    const data: Array<Uint8Array> = []
    rest = concat(rest, chunk)
    while (section !== "epilogue") {
      if (section === "headers") {
        const at = findBlankLine(rest)
        if ((at < 0 ? rest.byteLength : at) > maximumHeaders) {
          return Either.left(invalid(`a field has more than ${maximumHeaders} bytes of headers`))
        }
        if (at < 0) break
        const own = decoderOf(new TextDecoder().decode(rest.subarray(lineBreak.byteLength, at)))
        if (Either.isLeft(own)) return Either.left(own.left)
        if (own.right !== undefined && decoder !== undefined) return Either.left(invalid("it is given more than once"))
        section = own.right === undefined ? "ignored" : "data"
        decoder ??= own.right
        rest = rest.subarray(at + blankLine.byteLength)
      } else {
        const { at, kind } = findDelimiter(rest)
        if (section !== "data" || decoder === undefined) ignored += at
        else if (at > 0) {
          const decoded = decoder.decode(rest.subarray(0, at))
          if (Either.isLeft(decoded)) return Either.left(invalid(decoded.left))
          if (decoded.right.byteLength > 0) data.push(decoded.right)
        }
        rest = rest.subarray(at)
        if (kind === "more" || kind === "none") break
        if (kind === "last") section = "epilogue"
        else {
          section = "headers"
          fields++
          if (fields > maximumFields) return Either.left(invalid(`there are more than ${maximumFields} fields`))
        }
        // The line break after a boundary stays: it is half of the blank line where no headers follow.
        rest = rest.subarray(delimiter.byteLength)
      }
    }
    if (section === "epilogue") {
      ignored += rest.byteLength
      rest = new Uint8Array(0)
    }
    return ignored > maximumIgnored
      ? Either.left(invalid(`what is not the ${fieldName} field has more than ${maximumIgnored} bytes`))
      : Either.right(data)
  }

  const end = (): Either.Either<void, InvalidRequest> => {
    if (section !== "epilogue") return Either.left(invalid("the body is cut off"))
    return decoder === undefined
      ? Either.left(invalid("it is missing"))
      : Either.mapLeft(decoder.end(), (problem) => invalid(problem))
  }

  return { read, end }
}

/**
 * The bytes of the `data` field of a multipart/form-data body, as they arrive. Whether the client calls it a file or a
 * field, and what stands before or after it, makes no difference. A body that is cut off is an error, never a short
 * part.
 */
export const readData = <E>(
  headers: Headers.Headers,
  body: Stream.Stream<Uint8Array, E>
): Stream.Stream<Uint8Array, InvalidRequest | PartUnreadable> =>
  Stream.suspend(() => {
    const boundary = boundaryOf(headers)
    if (boundary === undefined || boundary === "") {
      return Stream.fail(invalid("the content type is not multipart/form-data with a boundary"))
    }
    const reader = makeReader(boundary)
    return body.pipe(
      Stream.mapError((cause) => new PartUnreadable({ cause })),
      Stream.mapChunksEffect((chunks) =>
        Either.map(Either.all(Chunk.toReadonlyArray(chunks).map(reader.read)), (data) =>
          Chunk.unsafeFromArray(data.flat()))
      ),
      Stream.concat(Stream.execute(Effect.suspend(reader.end)))
    )
  })
