import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Either from "effect/Either"
import { concat } from "../bytes.js"
import { resembles } from "../similarKey.js"
import * as utf8 from "../utf8.js"
import * as delimiter from "./delimiter.js"
import { lineBreak } from "./delimiter.js"
import type { FieldHeaders } from "./fieldHeaders.js"
import * as fieldHeaders from "./fieldHeaders.js"
import * as patternSearch from "./patternSearch.js"
import * as textField from "./textField.js"
import type { Decoder } from "./transferEncoding.js"
import { decoders } from "./transferEncoding.js"

const maximumFields = 16

/** The most bytes that the headers of one field may have. */
const maximumHeaderBytes = 16 * 1024

/** The most bytes that everything but the data and the headers may have. */
const maximumIgnoredBytes = 1024 * 1024

/**
 * The most bytes that a whole form may have if its data has `dataBytes`. In base64 with line breaks, data takes 1.37 times its
 * bytes.
 */
export const maximumFormBytes = (dataBytes: number): number =>
  dataBytes * 1.5 + maximumIgnoredBytes + maximumFields * maximumHeaderBytes

/** The fields of a form that are read. A field whose name resembles one of theirs is rejected, any other is ignored. */
export interface Form {
  /** The field whose bytes are passed on as they arrive. It is required. */
  readonly data: string
  /** Fields of short text. */
  readonly texts: ReadonlyArray<string>
}

/** The headers of the data field, and the text fields by their names. */
export interface Fields {
  readonly data: FieldHeaders
  readonly texts: ReadonlyMap<string, string>
}

export interface FormParser {
  /** The data in the next chunk of a body. Data that is not encoded is passed on as views of the chunk. */
  readonly read: (chunk: Uint8Array) => Either.Either<ReadonlyArray<Uint8Array>, InvalidRequest>
  /** Called at the end of the body. */
  readonly end: () => Either.Either<Fields, InvalidRequest>
}

export const invalidField = (
  field: string,
  problem: string,
  limit = `one ${field} field of a multipart/form-data body`
): InvalidRequest => new InvalidRequest({ field, problem, limit })

/** Rejects an unknown encoding: the data would be stored as it is encoded. */
const decoderOf = ({ encoding, name }: FieldHeaders): Either.Either<Decoder, InvalidRequest> => {
  const decoder = decoders.get(encoding.toLowerCase())
  return decoder === undefined
    ? Either.left(invalidField(name, `its Content-Transfer-Encoding is ${encoding}`, [...decoders.keys()].join(", ")))
    : Either.right(decoder())
}

const blankLine = new TextEncoder().encode("\r\n\r\n")
const findBlankLine = patternSearch.make(blankLine)

/** Parses a form from the chunks of its body. */
export const make = (boundary: string, form: Form): FormParser => {
  const findDelimiter = delimiter.make(boundary)
  const known = [form.data, ...form.texts]
  const resemblesKnown = resembles(known)
  let section: "preamble" | "headers" | "content" | "epilogue" = "preamble"
  // A body may begin with a boundary that has no line break before it.
  let rest: Uint8Array = lineBreak
  /** True if the rest is a close-delimiter when the body ends with it. */
  let mayEnd = false
  let fields = 0
  let ignoredBytes = 0
  /** The field whose content is being read, unless it is ignored. */
  let current: { readonly name: string; readonly decoder: Decoder } | undefined
  const received = new Map<string, FieldHeaders>()
  const texts = new Map<string, string>()

  const fail = (problem: string, field = form.data) => Either.left(invalidField(field, problem))

  const begin = (headers: FieldHeaders): Either.Either<typeof current, InvalidRequest> => {
    const { name } = headers
    if (!known.includes(name)) {
      return resemblesKnown(name)
        ? Either.left(invalidField(name, "it is not a field of this form", `one of ${known.join(", ")}`))
        : Either.right(undefined)
    }
    if (received.has(name)) return fail("it is given more than once", name)
    received.set(name, headers)
    return Either.map(decoderOf(headers), (decoder) => ({
      name,
      decoder: name === form.data ? decoder : textField.make(decoder, (text) => texts.set(name, text))
    }))
  }

  /** Begins a field with the bytes of its header lines. */
  const beginField = (lines: Uint8Array): Either.Either<typeof current, InvalidRequest> =>
    Either.fromOption(utf8.decode(lines), () => "the headers of a field are not valid UTF-8").pipe(
      Either.flatMap(fieldHeaders.read),
      Either.mapLeft((problem) => invalidField(form.data, problem)),
      Either.flatMap(begin)
    )

  const endField = (): Either.Either<void, InvalidRequest> => {
    if (current === undefined) return Either.void
    const { decoder, name } = current
    current = undefined
    return Either.mapLeft(decoder.end(), (problem) => invalidField(name, problem))
  }

  const read = (chunk: Uint8Array): Either.Either<ReadonlyArray<Uint8Array>, InvalidRequest> => {
    const data: Array<Uint8Array> = []
    rest = rest.byteLength === 0 ? chunk : concat([rest, chunk])
    while (section !== "epilogue") {
      if (section === "headers") {
        const at = findBlankLine(rest)
        if ((at < 0 ? rest.byteLength : at) > maximumHeaderBytes) {
          return fail(`a field has more than ${maximumHeaderBytes} bytes of headers`)
        }
        if (at < 0) break
        const begun = beginField(rest.subarray(lineBreak.byteLength, at))
        if (Either.isLeft(begun)) return Either.left(begun.left)
        section = "content"
        current = begun.right
        rest = rest.subarray(at + blankLine.byteLength)
      } else {
        const found = findDelimiter(rest)
        const { at } = found
        mayEnd = found._tag === "Incomplete" && found.mayEnd
        if (current === undefined) ignoredBytes += at
        else if (at > 0) {
          const decoded = current.decoder.decode(rest.subarray(0, at))
          if (Either.isLeft(decoded)) return fail(decoded.left, current.name)
          if (decoded.right.byteLength > 0) data.push(decoded.right)
        }
        if (found._tag === "TooLong") {
          return fail(`a boundary is followed by more than ${delimiter.maximumPadding} bytes of white space`)
        }
        if (found._tag === "Incomplete" || found._tag === "None") {
          rest = rest.subarray(at)
          break
        }
        const ended = endField()
        if (Either.isLeft(ended)) return Either.left(ended.left)
        if (found._tag === "Last") section = "epilogue"
        else {
          section = "headers"
          fields++
          if (fields > maximumFields) return fail(`there are more than ${maximumFields} fields`)
        }
        // The line break after a boundary stays: it is half of the blank line where a field has no headers.
        rest = rest.subarray(found.end)
      }
    }
    if (section === "epilogue") {
      ignoredBytes += rest.byteLength
      rest = new Uint8Array(0)
    }
    // Copied: see the rule about chunks in `PartData`.
    rest = new Uint8Array(rest)
    return ignoredBytes > maximumIgnoredBytes
      ? fail(`what is not the ${form.data} field has more than ${maximumIgnoredBytes} bytes`)
      : Either.right(data)
  }

  const end = (): Either.Either<Fields, InvalidRequest> => {
    if (section !== "epilogue" && !mayEnd) return fail("the body is cut off")
    const ended = endField()
    if (Either.isLeft(ended)) return Either.left(ended.left)
    const data = received.get(form.data)
    return data === undefined ? fail("it is missing") : Either.right({ data, texts })
  }

  return { read, end }
}
