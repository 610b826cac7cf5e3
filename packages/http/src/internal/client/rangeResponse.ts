import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Chunk from "effect/Chunk"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Bounds } from "../../FileRange.js"
import { whole } from "../../FileRange.js"

const isWhole = ({ end, start }: Bounds): boolean => start === 0 && end === Infinity

/** Adds a `range` header. A range without bytes has no form in that header, so it is sent as a range of one byte. */
export const withRange = (
  request: HttpClientRequest.HttpClientRequest,
  bounds: Bounds
): HttpClientRequest.HttpClientRequest => {
  if (isWhole(bounds)) return request
  const last = bounds.end === Infinity ? "" : Math.max(bounds.start, bounds.end - 1)
  return HttpClientRequest.setHeader(request, "range", `bytes=${bounds.start}-${last}`)
}

/** Where the requested bytes are in the body, and how many bytes the body must have, if the response tells. */
interface Located {
  readonly within: Bounds
  readonly bytes?: number
}

const noBytes: Located = { within: { start: 0, end: 0 } }

/** A 201, 202 or 204 has no content of a File. */
const successes = [200, 203]

/**
 * Where the requested bytes are in the body of a response, or what is wrong with the response; none for an error response.
 * A service that ignores the range sends the whole File.
 */
export const locate = (
  { headers, status }: HttpClientResponse.HttpClientResponse,
  requested: Bounds
): Option.Option<Either.Either<Located, string>> => {
  const contentRange = headers["content-range"] ?? ""
  if (status === 416 && !isWhole(requested)) {
    // Content-Range has the length of the File, if it is there at all. A range that starts at the end or beyond has no bytes.
    const [, total = "0"] = /^bytes \*\/(\d+)$/i.exec(contentRange.trim()) ?? []
    return Number(total) <= requested.start ? Option.some(Either.right(noBytes)) : Option.none()
  }
  if (status === 206) return Option.some(locatePartial(contentRange, requested))
  return successes.includes(status) ? Option.some(Either.right({ within: requested })) : Option.none()
}

const locatePartial = (contentRange: string, requested: Bounds): Either.Either<Located, string> => {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(contentRange.trim()) ?? []
  const end = Number(last) + 1
  // A range that ends too early would pass for all of the requested bytes.
  const isShort = total !== "*" && end < Math.min(requested.end, Number(total))
  if (first === undefined || Number(first) !== requested.start || isShort) {
    return Either.left(
      contentRange === ""
        ? "the 206 response has no Content-Range header"
        : `the range ${contentRange} is not the requested one`
    )
  }
  return Either.right({
    // A body that is read to its end leaves its connection to the next request, so cut only where it is too long.
    within: end <= requested.end ? whole : { start: 0, end: requested.end - requested.start },
    bytes: end - requested.start
  })
}

/** Fails where a body that is read to its end has another number of bytes than its Content-Range. No byte beyond is passed on. */
export const withLength =
  <E1>(length: number | undefined, onOther: (problem: string) => E1) =>
  <E>(body: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E | E1> =>
    length === undefined ? body : Stream.suspend(() => {
      let received = 0
      const counted = Stream.mapChunks(
        body,
        Chunk.map((bytes) => {
          const room = Math.max(0, length - received)
          received += bytes.byteLength
          return bytes.byteLength > room ? bytes.subarray(0, room) : bytes
        })
      )
      const end = Stream.suspend(() =>
        received === length
          ? Stream.empty
          : Stream.fail(onOther(`the body has ${received} bytes, and ${length} in its Content-Range header`))
      )
      return Stream.concat(counted, end)
    })
