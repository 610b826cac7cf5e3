import { identity } from "effect/Function"
import * as Predicate from "effect/Predicate"

/** Takes a secret out of a text. */
export type Hide = (text: string) => string

/**
 * What an error of an HTTP client or server says: name, message, code and causes. The error itself may hold the request,
 * which has the key in its headers and the data in its body, or the bytes of an answer that could not be parsed.
 */
export const retold = (error: Error, hide: Hide = identity, depth = 4): Error => {
  const cause = Predicate.isError(error.cause) && depth > 1
    ? { cause: retold(error.cause, hide, depth - 1) }
    : undefined
  const code = Predicate.hasProperty(error, "code") && Predicate.isString(error.code) ? error.code : undefined
  const copy = new Error(hide(error.message || code || error.name), cause)
  copy.name = error.name
  copy.stack = hide(error.stack ?? "")
  return code === undefined ? copy : Object.assign(copy, { code })
}
