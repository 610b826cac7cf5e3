import * as Encoding from "effect/Encoding"
import { identity } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { ClientOptions } from "../ClientOptions.js"

/** Replaces a secret in a text. */
export type Redact = (text: string) => string

/**
 * A copy of an error of an HTTP client or server with name, message, code, stack and causes alone. The error itself may hold the
 * request, with the key in its headers and the data in its body, or the bytes of a response that could not be parsed.
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

/** The names of headers that may hold a secret. Responses have such headers too, as `www-authenticate`. */
export const secretHeader = /auth|cookie|key|secret|token/

/**
 * Whether a header can carry the text. An HTTP client that cannot send a header quotes it in its error, so a key with a line
 * break would appear in a log.
 */
export const isHeaderText = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)

/** A shorter key is a placeholder, such as `none` for a service without keys. It would match in any text. */
const shortestSecret = 8

const htmlNames: { readonly [character: string]: string } = {
  "\"": "quot",
  "&": "amp",
  "'": "apos",
  "<": "lt",
  ">": "gt"
}

/** The password in a URL. `fetch` quotes a URL with one, which it does not accept, and spans have the URL. */
const withoutPasswords: Redact = (text) => text.replace(/(:\/\/[^\s/?#:]*:)[^\s/?#]+@/g, "$1<redacted>@")

/**
 * The spellings of base64, also of that for URLs. The bytes before the key shift it in groups of three bytes, so there are three.
 * The characters at the ends contain bits of the key and of its neighbours.
 */
const base64Of = (key: string): string => {
  const character = "[\\w+/-]"
  const cores = [0, 1, 2].map((offset) =>
    Encoding.encodeBase64("\0".repeat(offset) + key).replace(/=+$/, "").slice(offset === 0 ? 0 : offset + 1, -1)
      .replace(/[+/]/g, (found) => found === "+" ? "[+-]" : "[/_]")
  )
  return `${character}{0,4}(?:${cores.join("|")})${character}{0,4}={0,2}`
}

/**
 * Some services quote a rejected key: unchanged, in another case, in base64 or hexadecimal, or with the escapes of JSON (also of
 * JSON within JSON), URLs or HTML.
 */
export const redacting = ({ apiKey, apiUrl = "" }: ClientOptions): Redact => {
  const key = apiKey === undefined ? "" : Redacted.value(apiKey)
  const url = withoutPasswords(apiUrl) === apiUrl ? identity : withoutPasswords
  if (key.length < shortestSecret) return url
  const spellings = key.split("").map((character) => {
    const code = character.charCodeAt(0)
    const hex = code.toString(16)
    const name = htmlNames[character]
    const named = name === undefined ? "" : `|&${name};`
    return `(?:\\\\{0,3}\\u${hex.padStart(4, "0")}|\\\\u0*${hex}|%${hex}|&#(?:x${hex}|${code});${named})`
  })
  const pattern = new RegExp([spellings.join(""), base64Of(key), Encoding.encodeHex(key)].join("|"), "gi")
  return (text) => url(text.replace(pattern, "<redacted>"))
}
