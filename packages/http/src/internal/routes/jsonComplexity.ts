import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Either from "effect/Either"

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

/**
 * Rejects a body for which `JSON.parse` would hold the event loop: 4 MiB of nested arrays or of distinct keys take half a
 * second.
 */
export const check = (json: Uint8Array): Either.Either<void, InvalidRequest> => {
  const { byteLength } = json
  if (byteLength <= smallBytes) return Either.void
  let commas = 0
  let nodes = 0
  let isText = false
  for (let index = 0; index < byteLength; index++) {
    const byte = json[index]
    if (isText) {
      if (byte === backslash) index++
      else if (byte === quote) isText = false
    } else if (byte === quote) isText = true
    else if (byte === comma) commas++
    else if (byte === colon || byte === openBracket || byte === openBrace) nodes++
  }
  if (commas > maximumCommas) return tooComplex(`at most ${maximumCommas} commas`)
  return nodes > maximumNodes ? tooComplex(`at most ${maximumNodes} arrays, objects and keys`) : Either.void
}
