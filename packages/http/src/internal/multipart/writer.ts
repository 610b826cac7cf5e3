import { randomHexDigits } from "@effect-uploads/domain/Ids"
import * as HttpBody from "@effect/platform/HttpBody"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** The one field of a part's multipart/form-data body. */
export const fieldName = "data"

/** The bytes before and after those of a part. */
export interface Framing {
  readonly contentType: string
  readonly head: Uint8Array<ArrayBuffer>
  readonly tail: Uint8Array<ArrayBuffer>
}

const encoder = new TextEncoder()

/** The boundary is 128 random bits, so that no part contains it. */
export const makeFraming: Effect.Effect<Framing> = Effect.map(randomHexDigits, (boundary) => ({
  contentType: `multipart/form-data; boundary=${boundary}`,
  head: encoder.encode(
    `--${boundary}\r\n` +
      `Content-Disposition: form-data; name="${fieldName}"; filename="${fieldName}"\r\n` +
      "Content-Type: application/octet-stream\r\n\r\n"
  ),
  tail: encoder.encode(`\r\n--${boundary}--\r\n`)
}))

const lengthOf = (framing: Framing, bytes: number) => framing.head.byteLength + bytes + framing.tail.byteLength

/**
 * Interrupts the readers of a stream when the scope closes. Some HTTP clients read a body in a fiber of their own, and do not
 * interrupt it when the request is aborted: the file that it reads would stay open.
 */
const readWithin = <A, E>(stream: Stream.Stream<A, E>): Effect.Effect<Stream.Stream<A, E>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const readers = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
    let closed = false
    yield* Effect.addFinalizer(() =>
      Effect.withFiberRuntime((self) => {
        closed = true
        return Fiber.interruptAll(Array.from(readers).filter((reader) => reader !== self))
      })
    )
    return Stream.unwrap(Effect.withFiberRuntime((reader) => {
      if (closed) return Effect.interrupt
      readers.add(reader)
      return Effect.succeed(Stream.ensuring(stream, Effect.sync(() => readers.delete(reader))))
    }))
  })

/** A body that is read while it is sent, at most until the scope closes. */
export const streamBody = <E>(
  framing: Framing,
  data: Stream.Stream<Uint8Array, E>,
  bytes: number
): Effect.Effect<HttpBody.Stream, never, Scope.Scope> =>
  Stream.make(framing.head).pipe(
    Stream.concat(data),
    Stream.concat(Stream.make(framing.tail)),
    readWithin,
    Effect.map((stream) => HttpBody.stream(stream, framing.contentType, lengthOf(framing, bytes)))
  )
