import { identity } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { ClientOptions } from "../ClientOptions.js"

/** Takes a secret out of a text. */
export type Redact = (text: string) => string

/**
 * What an error of an HTTP client or server says: name, message, code and causes. The error itself may hold the request,
 * which has the key in its headers and the data in its body, or the bytes of an answer that could not be parsed.
 */
export const sanitized = (error: Error, redact: Redact = identity, depth = 4): Error => {
  const cause = Predicate.isError(error.cause) && depth > 1
    ? { cause: sanitized(error.cause, redact, depth - 1) }
    : undefined
  const code = Predicate.hasProperty(error, "code") && Predicate.isString(error.code) ? error.code : undefined
  const copy = new Error(redact(error.message || code || error.name), cause)
  copy.name = error.name
  copy.stack = redact(error.stack ?? "")
  return code === undefined ? copy : Object.assign(copy, { code })
}

/** An answer may have the key in headers of its own, such as `www-authenticate`. */
export const secretHeader = /auth|cookie|key|secret|token/

/**
 * An HTTP client quotes a header that it cannot send in its error, so a key with a line break would end up in a log: it is
 * refused here, unquoted.
 */
export const isHeaderText = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)

/** A shorter key is no secret, such as the `none` of a service that wants no key, and would be found in any text. */
const shortestSecret = 8

/** Some services quote the key that they refuse: as it is, or as JSON, a URL or a page spells it. */
export const redacting = ({ apiKey }: ClientOptions): Redact => {
  const key = apiKey === undefined ? "" : Redacted.value(apiKey)
  if (key.length < shortestSecret) return identity
  const spellings = key.split("").map((character) => {
    const code = character.charCodeAt(0)
    const hex = code.toString(16)
    const either = `(?:${hex}|${hex.toUpperCase()})`
    return `(?:\\\\?\\u${hex.padStart(4, "0")}|\\\\u0*${either}|%${either}|&#(?:x${either}|${code});)`
  })
  const pattern = new RegExp(spellings.join(""), "g")
  return (text) => text.replace(pattern, "<redacted>")
}
