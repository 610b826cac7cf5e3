export interface Range {
  readonly offset: number
  readonly bytes: number
}

/** The parts of a file, in their order. */
export const ranges = (bytes: number, partBytes: number): ReadonlyArray<Range> =>
  Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => ({
    offset: index * partBytes,
    bytes: Math.min(partBytes, bytes - index * partBytes)
  }))

/** Does something with each item, so many at a time, and keeps the results in the order of the items. */
export const inLanes = async <A, B>(
  concurrency: number,
  items: ReadonlyArray<A>,
  work: (item: A) => Promise<B>
): Promise<Array<B>> => {
  const results = new Array<B>(items.length)
  // One iterator for all lanes: each takes the next item that nobody has.
  const remaining = items.entries()
  const lane = async () => {
    for (const [index, item] of remaining) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return results
}
