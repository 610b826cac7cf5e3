/** The types of WebAssembly are part of the DOM library, which this package does not use. */
declare const WebAssembly: {
  readonly Memory: new(
    pages: { readonly initial: number; readonly maximum: number }
  ) => { readonly buffer: ArrayBuffer }
}

/** With `O_DIRECT`, position, length and memory address of a write have to be multiples of at most this many bytes. */
export const pageBytes = 4096

/** With smaller buffers the writes were measured to take longer. */
const bufferBytes = 512 * 1024

/** The target for all buffers in use together. */
const targetBytes = 8 * 1024 * 1024

/** The minimum size of a buffer, however many are in use. */
const minimumBytes = 64 * 1024

const buffersOfMemory = 16
const memoryPageBytes = 64 * 1024

/** A pool of buffers that start at a page. Buffers are reused, so that the garbage collector has nothing to do. */
export interface PageBuffers {
  /** Returns a buffer of whole pages, which is smaller the more are in use. */
  readonly take: () => Uint8Array
  readonly giveBack: (buffer: Uint8Array) => void
}

export const make = (): PageBuffers => {
  const free: Array<Uint8Array> = []
  let taken = 0

  const allocate = (): Uint8Array => {
    const pages = buffersOfMemory * bufferBytes / memoryPageBytes
    // The memory of WebAssembly is the only one in JavaScript that is known to start at a page. It uses no space before it is
    // written.
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages })
    for (let index = 1; index < buffersOfMemory; index++) {
      free.push(new Uint8Array(buffer, index * bufferBytes, bufferBytes))
    }
    return new Uint8Array(buffer, 0, bufferBytes)
  }

  return {
    take: () => {
      taken++
      const bytes = Math.max(minimumBytes, Math.min(bufferBytes, targetBytes / taken))
      return (free.pop() ?? allocate()).subarray(0, bytes - bytes % pageBytes)
    },
    giveBack: ({ buffer, byteOffset }) => {
      taken--
      free.push(new Uint8Array(buffer, byteOffset, bufferBytes))
    }
  }
}
