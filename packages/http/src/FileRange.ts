/**
 * A range of the bytes of a File.
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
 * `bytes` is a number of bytes, by default up to the end of the File. `offset` is the position of the first one, by default 0.
 * Both are whole numbers from 0. A range may reach beyond the end of the File, and then has fewer bytes, or none.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileRange {
  readonly offset?: number | undefined
  readonly bytes?: number | undefined
}

/**
 * `start` is the position of the first byte, `end` the position after the last one: `Infinity` for the end of the File.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bounds {
  readonly start: number
  readonly end: number
}

/**
 * @example
 * ```ts
 * import * as FileRange from "@effect-uploads/http/FileRange"
 *
 * console.log(FileRange.length(FileRange.whole, 12)) // 12
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const whole: Bounds = { start: 0, end: Infinity }

const isByteSize = Schema.is(ByteSize)

/**
 * The bounds of a range, or `InvalidRequest` for a range that no File can have.
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
  // Beyond 2^53 - 1 numbers are not exact, and no File is that long.
  return Either.right({ start: offset, end: Number.isSafeInteger(end) ? end : Infinity })
}

/**
 * The number of bytes of a File that are within the bounds.
 *
 * @since 0.1.0
 * @category getters
 */
export const length = ({ end, start }: Bounds, fileBytes: number): number =>
  Math.max(0, Math.min(end, fileBytes) - start)

/**
 * The bytes within the bounds, as views of the chunks of `self`. Reading stops at `end`. Reading always begins, even where no
 * byte is within the bounds, so that a stream that fails at once fails here too.
 *
 * @since 0.1.0
 * @category combinators
 * @example
 * ```ts
 * import * as FileRange from "@effect-uploads/http/FileRange"
 * import * as Stream from "effect/Stream"
 *
 * const bytes = Stream.make(new Uint8Array([1, 2, 3]), new Uint8Array([4, 5]))
 *
 * export const middle = FileRange.slice(bytes, { start: 2, end: 4 }) // 3, then 4
 * ```
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
