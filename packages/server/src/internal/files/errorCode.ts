import * as Predicate from "effect/Predicate"

/** The code of an error of Node's, or nothing. */
export const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : ""
