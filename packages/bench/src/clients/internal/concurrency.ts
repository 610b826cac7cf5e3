export interface Range {
  readonly offset: number
  readonly bytes: number
}

/** Splits a file into the ranges of its parts. */
export const ranges = (bytes: number, partBytes: number): ReadonlyArray<Range> =>
  Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => ({
    offset: index * partBytes,
    bytes: Math.min(partBytes, bytes - index * partBytes)
  }))

/** Maps the items with limited concurrency. The results have the order of the items. */
export const mapConcurrent = async <A, B>(
  concurrency: number,
  items: ReadonlyArray<A>,
  work: (item: A) => Promise<B>
): Promise<Array<B>> => {
  const results = new Array<B>(items.length)
  // All workers share one iterator, so each takes the next item that no other has taken.
  const remaining = items.entries()
  const worker = async () => {
    for (const [index, item] of remaining) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return results
}
