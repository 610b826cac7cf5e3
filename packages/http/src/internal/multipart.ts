import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as Headers from "@effect/platform/Headers"
import * as HttpBody from "@effect/platform/HttpBody"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type * as MP from "multipasta"
import * as Multipasta from "multipasta"
import { PartUnreadable } from "../PartData.js"

/** The one field of a part's multipart/form-data body. */
const fieldName = "data"

// -----------------------------------------------------------------------------------------------------------------
// Writing
// -----------------------------------------------------------------------------------------------------------------

/** What stands around the bytes of a part. */
export interface Framing {
  readonly contentType: string
  readonly head: Uint8Array<ArrayBuffer>
  readonly tail: Uint8Array<ArrayBuffer>
}

const encoder = new TextEncoder()

const hexDigits = (count: number): Effect.Effect<string> =>
  Effect.map(
    Effect.replicateEffect(Random.nextIntBetween(0, 16), count),
    (digits) => digits.map((digit) => digit.toString(16)).join("")
  )

export const makeFraming: Effect.Effect<Framing> = Effect.map(hexDigits(32), (boundary) => ({
  contentType: `multipart/form-data; boundary=${boundary}`,
  head: encoder.encode(
    `--${boundary}\r\n` +
      `Content-Disposition: form-data; name="${fieldName}"; filename="${fieldName}"\r\n` +
      "Content-Type: application/octet-stream\r\n\r\n"
  ),
  tail: encoder.encode(`\r\n--${boundary}--\r\n`)
}))

const lengthOf = (framing: Framing, bytes: number) => framing.head.byteLength + bytes + framing.tail.byteLength

/** A body that is read while it is sent. */
export const streamBody = <E>(
  framing: Framing,
  data: Stream.Stream<Uint8Array, E>,
  bytes: number
): HttpBody.HttpBody =>
  HttpBody.stream(
    Stream.make(framing.head).pipe(Stream.concat(data), Stream.concat(Stream.make(framing.tail))),
    framing.contentType,
    lengthOf(framing, bytes)
  )

/** A body of which `fetch` knows the length. */
export const blobBody = (framing: Framing, data: ReadonlyArray<BlobPart>): HttpBody.HttpBody => {
  const blob = new Blob([framing.head, ...data, framing.tail])
  return HttpBody.raw(blob, { contentType: framing.contentType, contentLength: blob.size })
}

// -----------------------------------------------------------------------------------------------------------------
// Reading
// -----------------------------------------------------------------------------------------------------------------

const maximumParts = 16

/** What fields other than the data may take up, in bytes. */
const maximumIgnored = 1024 * 1024

const problemOf = (error: MP.MultipartError): string => {
  switch (error._tag) {
    case "InvalidBoundary":
      return "the content type is not multipart/form-data with a boundary"
    case "BadHeaders":
      return "the headers of a field cannot be read"
    case "InvalidDisposition":
      return "a field has no name"
    case "ReachedLimit":
      return `there are more than ${maximumParts} fields`
    case "EndNotReached":
      return "the body ends within a field"
  }
}

/**
 * The bytes of the `data` field of a multipart/form-data body, as they arrive. Whether the client calls it a file or a
 * field, and what stands before or after it, makes no difference; a body that is cut off is an error, never a short part.
 */
export const readData = <E>(
  headers: Headers.Headers,
  body: Stream.Stream<Uint8Array, E>
): Stream.Stream<Uint8Array, InvalidRequest | PartUnreadable> =>
  Stream.suspend(() => {
    let arrived: Array<Uint8Array> = []
    let problem: string | undefined
    let seen = 0
    let ended = false
    let ignored = 0

    const parser = Multipasta.make({
      headers,
      isFile: () => true,
      maxParts: maximumParts,
      onField: () => {},
      onFile: ({ name }) => {
        if (name === fieldName) {
          seen++
          if (seen > 1) problem ??= "it is given more than once"
          return (chunk) => {
            if (chunk !== null) arrived.push(chunk)
          }
        }
        return (chunk) => {
          ignored += chunk?.byteLength ?? 0
          if (ignored > maximumIgnored) problem ??= `the other fields have more than ${maximumIgnored} bytes`
        }
      },
      onError: (error) => {
        problem ??= problemOf(error)
      },
      onDone: () => {
        ended = true
      }
    })

    const invalid = (problem: string) =>
      new InvalidRequest({ field: fieldName, problem, limit: `one ${fieldName} field of a multipart/form-data body` })

    const take = Effect.suspend(() => {
      const chunk = Chunk.unsafeFromArray(arrived)
      arrived = []
      return problem === undefined ? Effect.succeed(chunk) : Effect.fail(invalid(problem))
    })

    // The parser reports through its callbacks, and throws where a field's headers are not valid percent-encoding.
    const run = (f: () => void) => Effect.try({ try: f, catch: () => invalid("the headers of a field cannot be read") })

    return body.pipe(
      Stream.mapError((cause) => new PartUnreadable({ cause })),
      Stream.mapChunksEffect((chunks) => Effect.zipRight(run(() => Chunk.forEach(chunks, parser.write)), take)),
      Stream.concat(Stream.execute(Effect.suspend(() => {
        if (ended) return seen === 1 ? Effect.void : Effect.fail(invalid("it is missing"))
        return Effect.zipRight(run(parser.end), Effect.fail(invalid(problem ?? "the body is cut off")))
      })))
    )
  })
