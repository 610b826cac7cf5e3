import type { FileHandle } from "node:fs/promises"
import * as Checksum from "./checksum.js"
import type { PageBuffers } from "./pageBuffers.js"
import { pageBytes } from "./pageBuffers.js"

/**
 * Writes a file from its start, and counts and hashes the bytes. One buffer is filled while the other is written. Every write
 * starts at a page and has whole pages, as files opened with `O_DIRECT` require.
 */
export interface FileWriter {
  /** Copies the pieces. The next call has to wait for the promise. */
  readonly add: (pieces: Iterable<Uint8Array>) => Promise<void>
  /** Resolves when all bytes are on the disk. */
  readonly finish: () => Promise<{ readonly bytes: number; readonly checksum: string }>
  /** Gives the buffers back, after `finish` or in its place. Resolves when the last write has ended. */
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

  /** Starts to write the buffer when the previous write has ended. */
  const flush = async () => {
    await writing
    if (buffer === undefined) return
    const full = buffer
    const pages = full.subarray(0, Math.ceil(filled / pageBytes) * pageBytes).fill(0, filled)
    writing = writeAll(pages, position).finally(() => buffers.giveBack(full))
    // The next `add` or `finish` reports the failure. Without one, the rejection would be unhandled.
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
