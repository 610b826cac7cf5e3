/** The keys of a journal in a `KeyValueStore` begin with it. */
export const prefix = "effect-uploads/transfer/"

/** The two keys that the entries of a transfer are written to in turn. */
export const slots = (key: string) => [`${key}/0`, `${key}/1`] as const

/** The transfers that have an entry in a store with these keys. */
export const transfersOf = (stored: Iterable<string>): ReadonlyArray<string> => [
  ...new Set(
    Array.from(stored).flatMap((name) =>
      name.startsWith(prefix) && /\/[01]$/.test(name) ? [name.slice(prefix.length, -2)] : []
    )
  )
]
