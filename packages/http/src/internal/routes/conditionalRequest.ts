/*
 * Evaluates the conditional and range headers of a request for the content of a File: RFC 9110, sections 13 and 14.
 *
 * A File has no date of last modification: it is as old as its Upload, whose bytes came later. Conditions that name a date
 * are therefore evaluated as for a resource without one.
 */
import type { FileId } from "@effect-uploads/domain/Ids"
import type * as Headers from "@effect/platform/Headers"
import * as Option from "effect/Option"
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

/** The bytes of one range, none where it has no byte of the File. Undefined where it is malformed. */
const boundsOf = (spec: string, bytes: number): Option.Option<Bounds> | undefined => {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(spec) ?? []
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined
  if (first === "") {
    return Number(last) === 0 ? Option.none() : Option.some({ start: Math.max(0, bytes - Number(last)), end: bytes })
  }
  if (last !== "" && BigInt(last) < BigInt(first)) return undefined
  const start = Number(first)
  return start < bytes
    ? Option.some({ start, end: last === "" ? bytes : Math.min(Number(last) + 1, bytes) })
    : Option.none()
}

/** The most ranges of a header. One with more is ignored. */
const maximumRanges = 100

/**
 * Ranges that touch are joined. The whole File is sent for ranges that remain apart, as the RFC allows, and for a malformed
 * header.
 */
const selectRange = (header: string, bytes: number): Selection => {
  const [, list = ""] = /^\s*bytes\s*=(.*)$/i.exec(header) ?? []
  const specs = list.split(",").map((spec) => spec.trim()).filter((spec) => spec !== "")
  if (specs.length === 0 || specs.length > maximumRanges) return { _tag: "Whole" }
  const found: Array<Bounds> = []
  for (const spec of specs) {
    const bounds = boundsOf(spec, bytes)
    if (bounds === undefined) return { _tag: "Whole" }
    if (Option.isSome(bounds)) found.push(bounds.value)
  }
  found.sort((a, b) => a.start - b.start)
  const [first, ...rest] = found
  if (first === undefined) return { _tag: "RangeNotSatisfiable" }
  let { end } = first
  for (const range of rest) {
    if (range.start > end) return { _tag: "Whole" }
    end = Math.max(end, range.end)
  }
  // `Content-Range` cannot express a range of an empty File.
  return bytes === 0 ? { _tag: "Whole" } : { _tag: "Partial", bounds: { start: first.start, end } }
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
