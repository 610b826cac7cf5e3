import * as HttpBody from "@effect/platform/HttpBody"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"

/** The one field of a part's multipart/form-data body. */
export const fieldName = "data"

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
