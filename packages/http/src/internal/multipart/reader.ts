/*
 * Reads a multipart/form-data body as it arrives. Why this is a parser of our own: decisions/multipart-parser.md.
 */
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as Headers from "@effect/platform/Headers"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { PartUnreadable } from "../../PartData.js"
import { boundaryOf as boundaryParameter } from "./fieldHeaders.js"
import type { Fields, Form, FormParser } from "./formParser.js"
import * as formParser from "./formParser.js"
import { fieldName } from "./writer.js"

const boundaryOf = (headers: Headers.Headers): string | undefined => {
  const contentType = headers["content-type"] ?? ""
  return /^\s*multipart\/form-data\s*;/i.test(contentType) ? boundaryParameter(contentType) : undefined
}

const parserOf = (headers: Headers.Headers, form: Form): Either.Either<FormParser, InvalidRequest> => {
  const boundary = boundaryOf(headers)
  return boundary === undefined || boundary === ""
    ? Either.left(
      formParser.invalidField(form.data, "the content type is not multipart/form-data with one boundary")
    )
    : Either.right(formParser.make(boundary, form))
}

/** Whether the declared length of a form tells that its data has more than `dataBytes`. */
export const isTooLarge = (headers: Headers.Headers, dataBytes: number): boolean =>
  Number(headers["content-length"] ?? 0) > formParser.maximumFormBytes(dataBytes)

const dataOf = <E>(parser: FormParser, body: Stream.Stream<Uint8Array, E>) =>
  body.pipe(
    Stream.mapError((cause) => new PartUnreadable({ cause })),
    Stream.mapChunksEffect((chunks) =>
      Either.map(
        Either.all(Chunk.toReadonlyArray(chunks).map(parser.read)),
        (data) => Chunk.unsafeFromArray(data.flat())
      )
    )
  )

const part: Form = { data: fieldName, texts: [] }

/**
 * The bytes of the `data` field of a body, as they arrive. The field may be a file or text, and other fields may stand before
 * and after it. A body that is cut off fails: it never becomes a shorter part.
 */
export const readData = <E>(
  headers: Headers.Headers,
  body: Stream.Stream<Uint8Array, E>
): Stream.Stream<Uint8Array, InvalidRequest | PartUnreadable> =>
  Stream.suspend(() =>
    Either.match(parserOf(headers, part), {
      onLeft: Stream.fail,
      onRight: (parser) => Stream.concat(dataOf(parser, body), Stream.execute(Effect.suspend(parser.end)))
    })
  )

/** Writes the bytes of a form's data field as they arrive, and returns the other fields at the end of the body. */
export const readForm = <E, E1, R>(
  headers: Headers.Headers,
  body: Stream.Stream<Uint8Array, E>,
  form: Form,
  write: (bytes: Uint8Array) => Effect.Effect<void, E1, R>
): Effect.Effect<Fields, InvalidRequest | PartUnreadable | E1, R> =>
  Effect.gen(function*() {
    const parser = yield* parserOf(headers, form)
    yield* Stream.runForEach(dataOf(parser, body), write)
    return yield* parser.end()
  })
