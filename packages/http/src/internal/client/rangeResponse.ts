import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Bounds } from "../../FileRange.js"
import { whole } from "../../FileRange.js"

const isWhole = ({ end, start }: Bounds): boolean => start === 0 && end === Infinity

/** Asks for the bytes within the bounds; for one byte where there is none in them, which no header can say. */
export const ask = (
  request: HttpClientRequest.HttpClientRequest,
  bounds: Bounds
): HttpClientRequest.HttpClientRequest => {
  if (isWhole(bounds)) return request
  const last = bounds.end === Infinity ? "" : Math.max(bounds.start, bounds.end - 1)
  return HttpClientRequest.setHeader(request, "range", `bytes=${bounds.start}-${last}`)
}

const nothing: Bounds = { start: 0, end: 0 }

/**
 * Where in the body of an answer the bytes are that were asked for, or what is wrong with it; none where the answer is a
 * refusal. A service may ignore the range and send the whole File.
 */
export const read = (
  { headers, status }: HttpClientResponse.HttpClientResponse,
  asked: Bounds
): Option.Option<Either.Either<Bounds, string>> => {
  const contentRange = headers["content-range"] ?? ""
  if (status === 416 && !isWhole(asked)) {
    // It says how long the File is, if it says anything: a range that begins there has nothing.
    const [, total = "0"] = /^bytes \*\/(\d+)$/i.exec(contentRange.trim()) ?? []
    return Number(total) <= asked.start ? Option.some(Either.right(nothing)) : Option.none()
  }
  if (status < 200 || status > 299) return Option.none()
  return Option.some(status === 206 ? partial(contentRange, asked) : Either.right(asked))
}

const partial = (contentRange: string, asked: Bounds): Either.Either<Bounds, string> => {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(contentRange.trim()) ?? []
  const end = Number(last) + 1
  // Part of what was asked for would be taken for all of it.
  const isShort = total !== "*" && end < Math.min(asked.end, Number(total))
  if (first === undefined || Number(first) !== asked.start || isShort) {
    return Either.left(`it has the range ${contentRange === "" ? "of nobody knows what" : contentRange}`)
  }
  // Nothing is cut off where nothing has to be: a body that is read to its end leaves its connection to the next request.
  return Either.right(end <= asked.end ? whole : { start: 0, end: asked.end - asked.start })
}
