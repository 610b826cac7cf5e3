import * as Predicate from "effect/Predicate"

/** The code of a Node error, or an empty text. */
export const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : ""
