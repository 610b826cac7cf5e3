import * as Chunk from "effect/Chunk"
import type { FileHandle } from "node:fs/promises"
import * as Zlib from "node:zlib"

/** A part under way has two of these in memory. */
const bufferBytes = 128 * 1024

/** What the disk may lag behind: the system would only begin at the end, when everybody waits for it. */
const syncBytes = 16 * 1024 * 1024

/**
 * Writes a file from its beginning on while counting and hashing: one buffer is filled while the other is written.
 *
 * The bytes are copied into the buffers, since a stream may use its own again. To keep its chunks until they are written
 * was measured to take more memory, and not less time.
 */
export interface FileWriter {
  /** A promise where there is something to wait for before the next call. */
  readonly add: (chunk: Chunk.Chunk<Uint8Array>) => Promise<void> | undefined
  /** Resolves when all is on the disk. */
  readonly finish: () => Promise<{ readonly bytes: number; readonly crc32: number }>
}

/** Whoever waits for it hears of a failure. Nobody does if the next bytes never come. */
const unheard = (promise: Promise<void>): Promise<void> => {
  promise.catch(() => {})
  return promise
}

export const make = (handle: FileHandle): FileWriter => {
  let filling = Buffer.allocUnsafeSlow(bufferBytes)
  let draining = Buffer.allocUnsafeSlow(bufferBytes)
  let filled = 0
  let bytes = 0
  let crc32 = 0
  let drained = Promise.resolve()
  let unsynced = 0
  let synced = Promise.resolve()

  /** Takes as many bytes as there is room for. */
  const take = (data: Uint8Array): Uint8Array => {
    const taken = data.subarray(0, bufferBytes - filled)
    filling.set(taken, filled)
    filled += taken.byteLength
    bytes += taken.byteLength
    crc32 = Zlib.crc32(taken, crc32)
    return data.subarray(taken.byteLength)
  }

  const write = async (data: Uint8Array) => {
    let written = 0
    while (written < data.byteLength) {
      written += (await handle.write(data, written, data.byteLength - written)).bytesWritten
    }
    unsynced += written
    if (unsynced >= syncBytes) {
      unsynced = 0
      synced = unheard(synced.then(() => handle.datasync()))
    }
  }

  const drain = async () => {
    await drained
    ;[filling, draining] = [draining, filling]
    drained = unheard(write(draining.subarray(0, filled)))
    filled = 0
  }

  const addSlowly = async (chunk: Chunk.Chunk<Uint8Array>) => {
    for (const data of chunk) {
      let rest = take(data)
      while (filled === bufferBytes) {
        await drain()
        rest = take(rest)
      }
    }
  }

  return {
    add: (chunk) => {
      const size = Chunk.reduce(chunk, 0, (sum, data) => sum + data.byteLength)
      if (filled + size >= bufferBytes) return addSlowly(chunk)
      Chunk.forEach(chunk, take)
      return undefined
    },
    finish: async () => {
      await drain()
      await drained
      await synced
      await handle.sync()
      return { bytes, crc32 }
    }
  }
}
