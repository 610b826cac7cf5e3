import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
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

const noBytes: Bounds = { start: 0, end: 0 }

/**
 * Where the requested bytes are in the body of a response, or what is wrong with the response; none for an error response.
 * A service that ignores the range sends the whole File.
 */
export const locate = (
  { headers, status }: HttpClientResponse.HttpClientResponse,
  requested: Bounds
): Option.Option<Either.Either<Bounds, string>> => {
  const contentRange = headers["content-range"] ?? ""
  if (status === 416 && !isWhole(requested)) {
    // Content-Range has the length of the File, if it is there at all. A range that starts at the end or beyond has no bytes.
    const [, total = "0"] = /^bytes \*\/(\d+)$/i.exec(contentRange.trim()) ?? []
    return Number(total) <= requested.start ? Option.some(Either.right(noBytes)) : Option.none()
  }
  if (status < 200 || status > 299) return Option.none()
  return Option.some(status === 206 ? locatePartial(contentRange, requested) : Either.right(requested))
}

const locatePartial = (contentRange: string, requested: Bounds): Either.Either<Bounds, string> => {
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
  // A body that is read to its end leaves its connection to the next request, so cut only where it is too long.
  return Either.right(end <= requested.end ? whole : { start: 0, end: requested.end - requested.start })
}
