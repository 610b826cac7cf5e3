/**
 * A range of a File: what of its bytes is asked for.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Either from "effect/Either"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/**
 * `bytes` from `offset`, by default from the first to the last. Both are whole numbers from 0. Past the end of the File there
 * is nothing: a range that reaches beyond it gives what is there.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileRange {
  readonly offset?: number | undefined
  readonly bytes?: number | undefined
}

/**
 * Where a range begins, and where it has ended: `Infinity` if at the end of the File.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bounds {
  readonly start: number
  readonly end: number
}

/**
 * @since 0.1.0
 * @category models
 */
export const whole: Bounds = { start: 0, end: Infinity }

const isByteSize = Schema.is(ByteSize)

/**
 * Everything about a range that can be known without the File.
 *
 * @since 0.1.0
 * @category guards
 */
export const validate = (range: FileRange = {}): Either.Either<Bounds, InvalidRequest> => {
  const { bytes, offset = 0 } = range
  if (!isByteSize(offset) || (bytes !== undefined && !isByteSize(bytes))) {
    return Either.left(
      new InvalidRequest({
        field: "range",
        problem: `got ${bytes ?? "all"} bytes from ${offset}`,
        limit: "whole numbers of bytes from 0 to 2^53 - 1"
      })
    )
  }
  const end = bytes === undefined ? Infinity : offset + bytes
  // No File ends beyond what is exact in JavaScript.
  return Either.right({ start: offset, end: Number.isSafeInteger(end) ? end : Infinity })
}

/**
 * How many bytes of a File are within the bounds.
 *
 * @since 0.1.0
 * @category getters
 */
export const length = ({ end, start }: Bounds, fileBytes: number): number =>
  Math.max(0, Math.min(end, fileBytes) - start)

/**
 * The bytes within the bounds, as views of the chunks that they come in. Reads no further than it has to, but always begins:
 * what fails before its first byte does so here too.
 *
 * @since 0.1.0
 * @category combinators
 */
export const slice: {
  (bounds: Bounds): <E, R>(self: Stream.Stream<Uint8Array, E, R>) => Stream.Stream<Uint8Array, E, R>
  <E, R>(self: Stream.Stream<Uint8Array, E, R>, bounds: Bounds): Stream.Stream<Uint8Array, E, R>
} = dual(
  2,
  <E, R>(self: Stream.Stream<Uint8Array, E, R>, { end, start }: Bounds): Stream.Stream<Uint8Array, E, R> =>
    start === 0 && end === Infinity ? self : self.pipe(
      Stream.mapAccum(0, (at, bytes) => {
        const next = at + bytes.byteLength
        return [next, { next, bytes: bytes.subarray(Math.max(0, start - at), Math.max(0, end - at)) }]
      }),
      Stream.takeUntil(({ next }) => next >= end),
      Stream.filterMap(({ bytes }) => bytes.byteLength > 0 ? Option.some(bytes) : Option.none())
    )
)
