import type { FileHandle } from "node:fs/promises"
import * as Zlib from "node:zlib"

/** What is gathered of small pieces before it is written. */
const bufferBytes = 64 * 1024

/**
 * What is written at a time. Each write wakes another thread, which takes longer than to hash 64 KiB; but what is larger than
 * this needs larger pages of memory, which were measured to cost more than that.
 */
const writeBytes = 256 * 1024

/** How often the disk is told to begin: by itself it would at the end, when everybody waits for it. */
const syncBytes = 4 * 1024 * 1024

/** Writes a file from its beginning on while counting and hashing. */
export interface FileWriter {
  /** A promise where the bytes are needed, and nothing may be added, until it resolves. */
  readonly add: (pieces: ReadonlyArray<Uint8Array>) => Promise<void> | undefined
  /** Resolves when all is on the disk. */
  readonly finish: () => Promise<{ readonly bytes: number; readonly crc32: number }>
}

/** The pieces, or parts of them, that make one write, and what is left. */
const split = (pieces: ReadonlyArray<Uint8Array>, bytes: number) => {
  const some: Array<Uint8Array> = []
  const rest: Array<Uint8Array> = []
  let room = bytes
  for (const piece of pieces) {
    const taken = piece.subarray(0, room)
    if (taken.byteLength > 0) some.push(taken)
    if (taken.byteLength < piece.byteLength) rest.push(piece.subarray(taken.byteLength))
    room -= taken.byteLength
  }
  return { some, rest }
}

export const make = (handle: FileHandle): FileWriter => {
  const buffer = Buffer.allocUnsafeSlow(bufferBytes)
  let buffered = 0
  let bytes = 0
  let crc32 = 0
  let unsynced = 0
  let isSyncing = false
  let synced = Promise.resolve()

  const write = async (pieces: ReadonlyArray<Uint8Array>) => {
    let rest = pieces
    while (rest.length > 0) {
      // It may write less than it is given.
      const { bytesWritten } = await handle.writev(split(rest, writeBytes).some)
      unsynced += bytesWritten
      rest = split(rest, bytesWritten).rest
    }
    if (unsynced >= syncBytes && !isSyncing) {
      unsynced = 0
      isSyncing = true
      // One that failed is not made good by the next.
      synced = synced.then(() => handle.datasync()).finally(() => {
        isSyncing = false
      })
      // Whoever waits for it hears of a failure. Nobody does if the next bytes never come.
      synced.catch(() => {})
    }
  }

  const takeBuffered = (): ReadonlyArray<Uint8Array> => {
    const gathered = buffered === 0 ? [] : [buffer.subarray(0, buffered)]
    buffered = 0
    return gathered
  }

  return {
    add: (pieces) => {
      let size = 0
      for (const piece of pieces) {
        size += piece.byteLength
        crc32 = Zlib.crc32(piece, crc32)
      }
      bytes += size
      if (buffered + size > bufferBytes) return write([...takeBuffered(), ...pieces])
      for (const piece of pieces) {
        buffer.set(piece, buffered)
        buffered += piece.byteLength
      }
      return undefined
    },
    finish: async () => {
      await write(takeBuffered())
      await synced
      await handle.sync()
      return { bytes, crc32 }
    }
  }
}
