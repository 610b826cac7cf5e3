import type { FileHandle } from "node:fs/promises"
import * as Checksum from "./checksum.js"
import type { PageBuffers } from "./pageBuffers.js"
import { pageBytes } from "./pageBuffers.js"

/**
 * Writes a file from its beginning on while counting and hashing. One buffer is filled while the other is written, always from a
 * page on and by whole pages, so that the file may have been opened for writing past the system's cache.
 */
export interface FileWriter {
  /** Nothing may be added until it resolves. The pieces are copied. */
  readonly add: (pieces: Iterable<Uint8Array>) => Promise<void>
  /** Resolves when all is on the disk. */
  readonly finish: () => Promise<{ readonly bytes: number; readonly checksum: string }>
  /** Whether it finished or not. Resolves when nothing is being written any more. */
  readonly release: () => Promise<void>
}

export const make = (handle: FileHandle, buffers: PageBuffers): FileWriter => {
  const checksum = Checksum.make()
  let bytes = 0
  let buffer: Uint8Array | undefined
  let filled = 0
  let position = 0
  let writing = Promise.resolve()

  const writeAll = async (bytes: Uint8Array, start: number) => {
    let written = 0
    while (written < bytes.byteLength) {
      written += (await handle.write(bytes, written, bytes.byteLength - written, start + written)).bytesWritten
    }
  }

  /** Begins to write what is in the buffer, once what was before is written. */
  const flush = async () => {
    await writing
    if (buffer === undefined) return
    const full = buffer
    const pages = full.subarray(0, Math.ceil(filled / pageBytes) * pageBytes).fill(0, filled)
    writing = writeAll(pages, position).finally(() => buffers.giveBack(full))
    // Who adds or finishes next hears of a failure. Nobody does if the next bytes never come.
    writing.catch(() => {})
    position += pages.byteLength
    buffer = undefined
    filled = 0
  }

  return {
    add: async (pieces) => {
      for (const piece of pieces) {
        checksum.update(piece)
        bytes += piece.byteLength
        for (let start = 0; start < piece.byteLength;) {
          buffer ??= buffers.take()
          const some = piece.subarray(start, start + buffer.byteLength - filled)
          buffer.set(some, filled)
          start += some.byteLength
          filled += some.byteLength
          if (filled === buffer.byteLength) await flush()
        }
      }
    },
    finish: async () => {
      await flush()
      await writing
      if (position > bytes) await handle.truncate(bytes)
      await handle.sync()
      return { bytes, checksum: checksum.digest() }
    },
    release: async () => {
      if (buffer !== undefined) buffers.giveBack(buffer)
      buffer = undefined
      await writing.catch(() => {})
    }
  }
}
