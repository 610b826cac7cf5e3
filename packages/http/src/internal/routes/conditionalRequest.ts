/*
 * What a request for the content of a File is answered with, by its headers alone: RFC 9110, 13 (conditions) and 14 (ranges).
 *
 * There is no moment of the last change to compare with: a File is as old as its Upload, whose bytes came later. So the
 * conditions that name a date are those of a resource without one.
 */
import type { FileId } from "@effect-uploads/domain/Ids"
import type * as Headers from "@effect/platform/Headers"
import type { Bounds } from "../../FileRange.js"

export type FileAnswer =
  | { readonly _tag: "Whole" }
  | { readonly _tag: "Partial"; readonly bounds: Bounds }
  | { readonly _tag: "NotModified" }
  | { readonly _tag: "PreconditionFailed" }
  | { readonly _tag: "RangeNotSatisfiable" }

/** The bytes of a File never change, so that its id tells them from all others. A tag has no room for all that an id may be. */
export const etagOf = (fileId: FileId): string => {
  const escaped = fileId.replace(/[^\w.-]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  return `"${escaped}"`
}

/** The tags of a list, weak ones as `W/"…"`. */
const tagsOf = (list: string): ReadonlyArray<string> => list.match(/(?:W\/)?"[^"]*"/g) ?? []

const strong = (list: string, etag: string): boolean => list.trim() === "*" || tagsOf(list).includes(etag)

const weak = (list: string, etag: string): boolean =>
  list.trim() === "*" || tagsOf(list).some((tag) => tag.replace(/^W\//, "") === etag)

/** Headers that make no sense, and ranges of which there are several, may be ignored. */
const rangeOf = (header: string, bytes: number): FileAnswer => {
  const [, first, last] = /^\s*bytes=\s*(\d*)-(\d*)\s*$/i.exec(header) ?? []
  if (first === undefined || last === undefined || (first === "" && last === "")) return { _tag: "Whole" }
  if (first === "") {
    if (Number(last) === 0) return { _tag: "RangeNotSatisfiable" }
    // All of an empty File is a range that no header can tell.
    return bytes === 0
      ? { _tag: "Whole" }
      : { _tag: "Partial", bounds: { start: Math.max(0, bytes - Number(last)), end: bytes } }
  }
  const start = Number(first)
  const end = last === "" ? bytes : Math.min(Number(last) + 1, bytes)
  if (last !== "" && Number(last) < start) return { _tag: "Whole" }
  return start >= bytes ? { _tag: "RangeNotSatisfiable" } : { _tag: "Partial", bounds: { start, end } }
}

export const answerTo = (
  request: { readonly method: string; readonly headers: Headers.Headers },
  file: { readonly etag: string; readonly bytes: number }
): FileAnswer => {
  const { headers, method } = request
  const ifMatch = headers["if-match"]
  if (ifMatch !== undefined && !strong(ifMatch, file.etag)) return { _tag: "PreconditionFailed" }
  const ifNoneMatch = headers["if-none-match"]
  if (ifNoneMatch !== undefined && weak(ifNoneMatch, file.etag)) return { _tag: "NotModified" }
  const range = headers["range"]
  const ifRange = headers["if-range"]
  if (method !== "GET" || range === undefined) return { _tag: "Whole" }
  return ifRange === undefined || ifRange.trim() === file.etag ? rangeOf(range, file.bytes) : { _tag: "Whole" }
}
