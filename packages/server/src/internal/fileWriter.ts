import * as Fs from "node:fs"
import type { FileHandle } from "node:fs/promises"
import * as Zlib from "node:zlib"

/** What is gathered of small pieces before it is written. */
const bufferBytes = 64 * 1024

/**
 * What is written at a time. Each write wakes another thread, which costs as much as to hash 64 KiB; and what is larger than
 * this needs larger pages of memory, which were measured to cost more than that.
 */
const writeBytes = 256 * 1024

/** What the disk may lag behind: the system would only begin at the end, when everybody waits for it. */
const syncBytes = 4 * 1024 * 1024

/** Writes a file from its beginning on while counting and hashing. */
export interface FileWriter {
  /** A promise where the bytes are needed, and nothing may be added, until it resolves. */
  readonly add: (pieces: ReadonlyArray<Uint8Array>) => Promise<void> | undefined
  /** Resolves when all is on the disk. */
  readonly finish: () => Promise<{ readonly bytes: number; readonly crc32: number }>
}

const sizeOf = (pieces: ReadonlyArray<Uint8Array>): number => {
  let size = 0
  for (const { byteLength } of pieces) size += byteLength
  return size
}

/** As many pieces at a time as make a write. */
const inWrites = (pieces: ReadonlyArray<Uint8Array>): ReadonlyArray<ReadonlyArray<Uint8Array>> => {
  const writes: Array<Array<Uint8Array>> = []
  let room = 0
  for (const piece of pieces) {
    if (room <= 0) {
      writes.push([])
      room = writeBytes
    }
    writes[writes.length - 1]?.push(piece)
    room -= piece.byteLength
  }
  return writes
}

/** One write. It may write less than it is given. Of a `FileHandle`, it was measured to take twice the time. */
const writeSome = (fd: number, pieces: ReadonlyArray<Uint8Array>): Promise<number> =>
  new Promise((resolve, reject) => {
    Fs.writev(fd, pieces, (error, written) => error === null ? resolve(written) : reject(error))
  })

const writeAll = async (fd: number, pieces: ReadonlyArray<Uint8Array>): Promise<void> => {
  let rest = pieces
  for (;;) {
    let written = await writeSome(fd, rest)
    if (written === sizeOf(rest)) return
    rest = rest.flatMap((piece) => {
      const left = piece.subarray(written)
      written -= piece.byteLength - left.byteLength
      return left.byteLength === 0 ? [] : [left]
    })
  }
}

export const make = (handle: FileHandle): FileWriter => {
  const buffer = Buffer.allocUnsafeSlow(bufferBytes)
  let buffered = 0
  let bytes = 0
  let crc32 = 0
  let unsynced = 0
  let synced = Promise.resolve()

  const write = async (pieces: ReadonlyArray<Uint8Array>) => {
    for (const some of inWrites(pieces)) {
      await writeAll(handle.fd, some)
      unsynced += sizeOf(some)
    }
    if (unsynced >= syncBytes) {
      unsynced = 0
      synced = synced.then(() => handle.datasync())
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
