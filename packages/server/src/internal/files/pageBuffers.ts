/** Node has it, too, but to TypeScript it belongs to browsers. */
declare const WebAssembly: {
  readonly Memory: new(
    pages: { readonly initial: number; readonly maximum: number }
  ) => { readonly buffer: ArrayBuffer }
}

/** A multiple of what file systems ask of a write past the system's cache: of its position, its length, and its place in memory. */
export const pageBytes = 4096

/** With less the disk was measured to take longer for the whole. */
const bufferBytes = 512 * 1024

/** What is aimed at for all buffers that are taken. */
const takenBytes = 8 * 1024 * 1024

/** What a buffer has at least, however many are taken. */
const leastBytes = 64 * 1024

const buffersOfMemory = 16
const memoryPageBytes = 64 * 1024

/** Buffers that begin at a page. They are used again and again, so that none is left to the garbage collector. */
export interface PageBuffers {
  /** The more are taken, the smaller it is; a number of pages. */
  readonly take: () => Uint8Array
  readonly giveBack: (buffer: Uint8Array) => void
}

export const make = (): PageBuffers => {
  const free: Array<Uint8Array> = []
  let taken = 0

  const allocate = (): Uint8Array => {
    const pages = buffersOfMemory * bufferBytes / memoryPageBytes
    // The only memory in JavaScript that is known to begin at a page. It takes no room before it is written to.
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages })
    for (let index = 1; index < buffersOfMemory; index++) {
      free.push(new Uint8Array(buffer, index * bufferBytes, bufferBytes))
    }
    return new Uint8Array(buffer, 0, bufferBytes)
  }

  return {
    take: () => {
      taken++
      const bytes = Math.max(leastBytes, Math.min(bufferBytes, takenBytes / taken))
      return (free.pop() ?? allocate()).subarray(0, bytes - bytes % pageBytes)
    },
    giveBack: ({ buffer, byteOffset }) => {
      taken--
      free.push(new Uint8Array(buffer, byteOffset, bufferBytes))
    }
  }
}
