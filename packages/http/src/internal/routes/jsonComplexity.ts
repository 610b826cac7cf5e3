import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"

/** The most commas of a body, apart from its texts. A request that completes an Upload lists its parts. */
const maximumCommas = 200_000

/** The most arrays, objects and keys of a body together. */
const maximumNodes = 10_000

/** A smaller body is parsed in a few milliseconds with any content. */
const smallBytes = 64 * 1024

const quote = 34
const comma = 44
const colon = 58
const openBracket = 91
const backslash = 92
const openBrace = 123

const tooComplex = (limit: string) =>
  Either.left(new InvalidRequest({ problem: "the body has too many values", limit: `JSON with ${limit}` }))

/** Counts what a JSON text has outside of its strings. The keys are those of all objects together. */
const countIn = (json: Uint8Array) => {
  const { byteLength } = json
  let commas = 0
  let keys = 0
  let brackets = 0
  let isText = false
  for (let index = 0; index < byteLength; index++) {
    const byte = json[index]
    if (isText) {
      if (byte === backslash) index++
      else if (byte === quote) isText = false
    } else if (byte === quote) isText = true
    else if (byte === comma) commas++
    else if (byte === colon) keys++
    else if (byte === openBracket || byte === openBrace) brackets++
  }
  return { commas, keys, brackets }
}

/**
 * Rejects a body for which `JSON.parse` would hold the event loop: 4 MiB of nested arrays or of distinct keys take half a
 * second. Returns the number of keys in the body.
 */
export const check = (json: Uint8Array): Either.Either<number, InvalidRequest> => {
  const { brackets, commas, keys } = countIn(json)
  if (json.byteLength <= smallBytes) return Either.right(keys)
  if (commas > maximumCommas) return tooComplex(`at most ${maximumCommas} commas`)
  return brackets + keys > maximumNodes
    ? tooComplex(`at most ${maximumNodes} arrays, objects and keys`)
    : Either.right(keys)
}

/**
 * Rejects a value with fewer keys than its JSON text: an object in the text has a key twice. `JSON.parse` takes the last of
 * them. A proxy in front may have read the first.
 */
export const checkKeys = (value: unknown, keysInText: number): Either.Either<void, InvalidRequest> => {
  let keys = 0
  const remaining: Array<unknown> = [value]
  while (remaining.length > 0) {
    const next = remaining.pop()
    if (!Predicate.isObject(next)) continue
    const children: ReadonlyArray<unknown> = Object.values(next)
    if (!Array.isArray(next)) keys += children.length
    for (const child of children) if (Predicate.isObject(child)) remaining.push(child)
  }
  return keys === keysInText
    ? Either.void
    : Either.left(new InvalidRequest({ problem: "an object has the same key twice", limit: "JSON with each key once" }))
}
