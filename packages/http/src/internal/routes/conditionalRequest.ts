/*
 * Evaluates the conditional and range headers of a request for the content of a File: RFC 9110, sections 13 and 14.
 *
 * A File has no date of last modification: it is as old as its Upload, whose bytes came later. Conditions that name a date
 * are therefore evaluated as for a resource without one.
 */
import type { FileId } from "@effect-uploads/domain/Ids"
import type * as Headers from "@effect/platform/Headers"
import type { Bounds } from "../../FileRange.js"

/** The kind of response that the headers of a request ask for. */
export type Selection =
  | { readonly _tag: "Whole" }
  | { readonly _tag: "Partial"; readonly bounds: Bounds }
  | { readonly _tag: "NotModified" }
  | { readonly _tag: "PreconditionFailed" }
  | { readonly _tag: "RangeNotSatisfiable" }

/** The File's id: its bytes never change. Characters that an entity tag cannot contain are escaped. */
export const etagOf = (fileId: FileId): string => {
  const escaped = fileId.replace(/[^\w.-]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  return `"${escaped}"`
}

/** The entity tags of a list, weak ones as `W/"…"`. */
const tagsOf = (list: string): ReadonlyArray<string> => list.match(/(?:W\/)?"[^"]*"/g) ?? []

const matchesStrongly = (list: string, etag: string): boolean => list.trim() === "*" || tagsOf(list).includes(etag)

const matchesWeakly = (list: string, etag: string): boolean =>
  list.trim() === "*" || tagsOf(list).some((tag) => tag.replace(/^W\//, "") === etag)

/** A malformed `Range` header, and one with several ranges, is ignored, as the RFC allows. */
const selectRange = (header: string, bytes: number): Selection => {
  const [, first, last] = /^\s*bytes=\s*(\d*)-(\d*)\s*$/i.exec(header) ?? []
  if (first === undefined || last === undefined || (first === "" && last === "")) return { _tag: "Whole" }
  if (first === "") {
    if (Number(last) === 0) return { _tag: "RangeNotSatisfiable" }
    // `Content-Range` cannot express a range of an empty File.
    return bytes === 0
      ? { _tag: "Whole" }
      : { _tag: "Partial", bounds: { start: Math.max(0, bytes - Number(last)), end: bytes } }
  }
  const start = Number(first)
  const end = last === "" ? bytes : Math.min(Number(last) + 1, bytes)
  if (last !== "" && Number(last) < start) return { _tag: "Whole" }
  return start >= bytes ? { _tag: "RangeNotSatisfiable" } : { _tag: "Partial", bounds: { start, end } }
}

export const select = (
  request: { readonly method: string; readonly headers: Headers.Headers },
  file: { readonly etag: string; readonly bytes: number }
): Selection => {
  const { headers, method } = request
  const ifMatch = headers["if-match"]
  if (ifMatch !== undefined && !matchesStrongly(ifMatch, file.etag)) return { _tag: "PreconditionFailed" }
  const ifNoneMatch = headers["if-none-match"]
  if (ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, file.etag)) return { _tag: "NotModified" }
  const range = headers["range"]
  const ifRange = headers["if-range"]
  if (method !== "GET" || range === undefined) return { _tag: "Whole" }
  return ifRange === undefined || ifRange.trim() === file.etag ? selectRange(range, file.bytes) : { _tag: "Whole" }
}
