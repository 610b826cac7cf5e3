import * as Predicate from "effect/Predicate"

/** The tag and the fields of an error, without `response`. */
export const ownFields = (error: object): Record<string, unknown> => {
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(error)) {
    if (key !== "response") fields[key] = value
  }
  return fields
}

export const tagOf = (error: unknown): unknown => Predicate.hasProperty(error, "_tag") ? error._tag : undefined
