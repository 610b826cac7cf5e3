import * as Predicate from "effect/Predicate"

/** An error without what an answer adds to it: its tag and its own fields. */
export const ownFields = (error: object): Record<string, unknown> => {
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(error)) {
    if (key !== "response") fields[key] = value
  }
  return fields
}

export const tagOf = (error: unknown): unknown => Predicate.hasProperty(error, "_tag") ? error._tag : undefined
