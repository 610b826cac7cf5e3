/** The rate follows a change of the connection within about this time. */
const smoothingMillis = 10_000

/**
 * The average of a rate in which older bytes count less. A pause lowers it gradually, and the first seconds count as they are.
 */
export const makeRate = () => {
  let weightedBytes = 0
  let weightedMillis = 0
  return {
    add: (bytes: number, millis: number) => {
      const decay = Math.exp(-millis / smoothingMillis)
      weightedBytes = weightedBytes * decay + bytes
      weightedMillis = weightedMillis * decay + millis
    },
    bytesPerSecond: () => weightedMillis > 0 ? weightedBytes * 1000 / weightedMillis : 0
  }
}
