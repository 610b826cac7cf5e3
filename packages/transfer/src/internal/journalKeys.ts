/** The beginning of each key of a journal in a `KeyValueStore`. */
export const prefix = "effect-uploads/transfer/"

/**
 * The number of revisions from one entry to the next. Every write of a transfer has the next revision. An entry has the whole
 * state, and a revision that is a multiple of this number. A record has only the parts that were acknowledged since the previous
 * write, so that 10,000 parts are not written 10,000 times. With more records for each entry, a resumed transfer reads more. With
 * fewer, a running transfer writes more.
 */
export const revisionsPerEntry = 256

/** The revision of the next entry. */
export const nextEntry = (revision: number): number =>
  (Math.floor(revision / revisionsPerEntry) + 1) * revisionsPerEntry

/** The two keys that the entries of a transfer are written to in turn. */
export const entryKeys = (key: string) => [`${key}/0`, `${key}/1`] as const

/** The key of the entry with a revision. The entry before it, and the records since, stay until it is written. */
export const entryKey = (key: string, revision: number): string =>
  entryKeys(key)[Math.floor(revision / revisionsPerEntry) % 2 === 0 ? 0 : 1]

/** The key of the record with a revision. It replaces the record before the last entry that had the same key. */
export const recordKey = (key: string, revision: number): string => `${key}/record-${revision % revisionsPerEntry}`

/** The transfers that have an entry in a store with these keys. */
export const transfersOf = (stored: Iterable<string>): ReadonlyArray<string> => [
  ...new Set(
    Array.from(stored).flatMap((name) =>
      name.startsWith(prefix) && /\/[01]$/.test(name) ? [name.slice(prefix.length, -2)] : []
    )
  )
]
