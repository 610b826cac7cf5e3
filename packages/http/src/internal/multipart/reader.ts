import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as Headers from "@effect/platform/Headers"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { PartUnreadable } from "../../PartData.js"
import type { FieldHeaders } from "./fieldHeaders.js"
import * as fieldHeaders from "./fieldHeaders.js"
import * as formText from "./textField.js"
import type { Decoder } from "./transferEncoding.js"
import { decoders } from "./transferEncoding.js"
import { fieldName } from "./writer.js"

/*
 * A parser of our own: the usual one refuses a file name beyond Latin-1, an epilogue, and a body that the network
 * happens to split within its last boundary.
 */

const maximumFields = 16

/** What the headers of one field may take up, in bytes. */
const maximumHeaders = 16 * 1024

/** What everything but the data and the headers may take up, in bytes. */
const maximumIgnored = 1024 * 1024

const boundaryOf = (headers: Headers.Headers): string | undefined => {
  const contentType = headers["content-type"] ?? ""
  return /^\s*multipart\/form-data\s*;/i.test(contentType) ? fieldHeaders.parameter(contentType, "boundary") : undefined
}

/** What is wanted of a form. Any other field is passed over. */
export interface Form {
  /** The field whose bytes are passed on as they arrive. There has to be one. */
  readonly data: string
  /** Fields of short text. */
  readonly texts: ReadonlyArray<string>
}

/** What a form says besides its data. */
export interface Fields {
  readonly data: FieldHeaders
  readonly texts: ReadonlyMap<string, string>
}

const invalid = (field: string, problem: string, limit = `one ${field} field of a multipart/form-data body`) =>
  new InvalidRequest({ field, problem, limit })

const decoderOf = ({ encoding, name }: FieldHeaders): Either.Either<Decoder, InvalidRequest> => {
  const decoder = decoders.get(encoding.toLowerCase())
  // Of an unknown encoding the data would be stored as it is encoded.
  return decoder === undefined
    ? Either.left(invalid(name, `its Content-Transfer-Encoding is ${encoding}`, [...decoders.keys()].join(", ")))
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
  const size = pattern.byteLength
  const end = size - 1
  const skips = new Int32Array(256).fill(size)
  pattern.subarray(0, end).forEach((byte, index) => {
    skips[byte] = end - index
  })
  // Most bytes of most files are none of the pattern's: a step that does not depend on the byte takes half of the time.
  const isOfPattern = new Uint8Array(256)
  for (const byte of pattern) isOfPattern[byte] = 1
  return (text, from = 0) => {
    // To ask for it in every round was measured to take three times as long.
    const length = text.byteLength
    let last = from + end
    while (last < length) {
      const byte = text[last] ?? 0
      if (isOfPattern[byte] === 0) {
        last += size
        continue
      }
      let index = 0
      while (index <= end && text[last - end + index] === pattern[index]) index++
      if (index > end) return last - end
      last += skips[byte] ?? 1
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
const makeReader = (boundary: string, form: Form) => {
  const delimiter = encoder.encode(`\r\n--${boundary}`)
  const findDelimiter = delimiterFinder(delimiter)
  let section: "preamble" | "headers" | "content" | "epilogue" = "preamble"
  // The line break of the first boundary is missing where the body begins with it.
  let rest: Uint8Array = lineBreak
  let count = 0
  let ignored = 0
  /** The field that is being read, if it is one that is wanted. */
  let current: { readonly name: string; readonly decoder: Decoder } | undefined
  const wanted = new Map<string, FieldHeaders>()
  const texts = new Map<string, string>()

  const fail = (problem: string, field = form.data) => Either.left(invalid(field, problem))

  const begin = (headers: FieldHeaders): Either.Either<typeof current, InvalidRequest> => {
    const { name } = headers
    if (name !== form.data && !form.texts.includes(name)) return Either.right(undefined)
    if (wanted.has(name)) return fail("it is given more than once", name)
    wanted.set(name, headers)
    return Either.map(decoderOf(headers), (decoder) => ({
      name,
      decoder: name === form.data ? decoder : formText.make(decoder, (text) => texts.set(name, text))
    }))
  }

  const read = (chunk: Uint8Array): Either.Either<ReadonlyArray<Uint8Array>, InvalidRequest> => {
    const data: Array<Uint8Array> = []
    rest = concat(rest, chunk)
    while (section !== "epilogue") {
      if (section === "headers") {
        const at = findBlankLine(rest)
        if ((at < 0 ? rest.byteLength : at) > maximumHeaders) {
          return fail(`a field has more than ${maximumHeaders} bytes of headers`)
        }
        if (at < 0) break
        const headers = fieldHeaders.read(new TextDecoder().decode(rest.subarray(lineBreak.byteLength, at)))
        if (Either.isLeft(headers)) return fail(headers.left)
        const begun = begin(headers.right)
        if (Either.isLeft(begun)) return Either.left(begun.left)
        section = "content"
        current = begun.right
        rest = rest.subarray(at + blankLine.byteLength)
      } else {
        const { at, kind } = findDelimiter(rest)
        if (current === undefined) ignored += at
        else if (at > 0) {
          const decoded = current.decoder.decode(rest.subarray(0, at))
          if (Either.isLeft(decoded)) return fail(decoded.left, current.name)
          if (decoded.right.byteLength > 0) data.push(decoded.right)
        }
        rest = rest.subarray(at)
        if (kind === "more" || kind === "none") break
        if (current !== undefined) {
          const ended = current.decoder.end()
          if (Either.isLeft(ended)) return fail(ended.left, current.name)
          current = undefined
        }
        if (kind === "last") section = "epilogue"
        else {
          section = "headers"
          count++
          if (count > maximumFields) return fail(`there are more than ${maximumFields} fields`)
        }
        // The line break after a boundary stays: it is half of the blank line where no headers follow.
        rest = rest.subarray(delimiter.byteLength)
      }
    }
    if (section === "epilogue") {
      ignored += rest.byteLength
      rest = new Uint8Array(0)
    }
    // A chunk lasts until the next one is asked for.
    rest = new Uint8Array(rest)
    return ignored > maximumIgnored
      ? fail(`what is not the ${form.data} field has more than ${maximumIgnored} bytes`)
      : Either.right(data)
  }

  const end = (): Either.Either<Fields, InvalidRequest> => {
    if (section !== "epilogue") return fail("the body is cut off")
    const data = wanted.get(form.data)
    return data === undefined ? fail("it is missing") : Either.right({ data, texts })
  }

  return { read, end }
}

const readerOf = (headers: Headers.Headers, form: Form) => {
  const boundary = boundaryOf(headers)
  return boundary === undefined || boundary === ""
    ? Either.left(invalid(form.data, "the content type is not multipart/form-data with a boundary"))
    : Either.right(makeReader(boundary, form))
}

const dataOf = <E>(reader: ReturnType<typeof makeReader>, body: Stream.Stream<Uint8Array, E>) =>
  body.pipe(
    Stream.mapError((cause) => new PartUnreadable({ cause })),
    Stream.mapChunksEffect((chunks) =>
      Either.map(
        Either.all(Chunk.toReadonlyArray(chunks).map(reader.read)),
        (data) => Chunk.unsafeFromArray(data.flat())
      )
    )
  )

const part: Form = { data: fieldName, texts: [] }

/**
 * The bytes of the `data` field of a multipart/form-data body, as they arrive. Whether the client calls it a file or a
 * field, and what stands before or after it, makes no difference. A body that is cut off is an error, never a short
 * part.
 */
export const readData = <E>(
  headers: Headers.Headers,
  body: Stream.Stream<Uint8Array, E>
): Stream.Stream<Uint8Array, InvalidRequest | PartUnreadable> =>
  Stream.suspend(() =>
    Either.match(readerOf(headers, part), {
      onLeft: Stream.fail,
      onRight: (reader) => Stream.concat(dataOf(reader, body), Stream.execute(Effect.suspend(reader.end)))
    })
  )

/** Hands the bytes of a form's data on as they arrive, and tells at the end of the body what else is in the form. */
export const readForm = <E, E1, R>(
  headers: Headers.Headers,
  body: Stream.Stream<Uint8Array, E>,
  form: Form,
  write: (bytes: Uint8Array) => Effect.Effect<void, E1, R>
): Effect.Effect<Fields, InvalidRequest | PartUnreadable | E1, R> =>
  Effect.gen(function*() {
    const reader = yield* readerOf(headers, form)
    yield* Stream.runForEach(dataOf(reader, body), write)
    return yield* reader.end()
  })
