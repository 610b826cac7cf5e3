/*
 * A server that ignores a misspelled key does not do what the client expects: a File whose `expiresAfter` is ignored lives
 * for ever. So a key that resembles a known one is rejected. Any other unknown key is ignored, because official clients send
 * the keys that a program adds with `extra_body`.
 */

/** The number of first letters and digits that a key shares with the one that it resembles. */
const prefixLength = 6

const canonical = (key: string): string => key.toLowerCase().replace(/[^a-z0-9]/g, "")

/**
 * Whether an unknown key resembles a known one: both have the same letters and digits, or the same first six. Examples are
 * `expiresAfter`, `expires_at` and `expires_after.seconds` for `expires_after`.
 */
export const resembles = (known: ReadonlyArray<string>): (key: string) => boolean => {
  const keys = new Set(known.map(canonical))
  const prefixes = new Set(
    [...keys].filter((key) => key.length >= prefixLength).map((key) => key.slice(0, prefixLength))
  )
  return (key) => {
    const spelling = canonical(key)
    return keys.has(spelling) || prefixes.has(spelling.slice(0, prefixLength))
  }
}
