import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import type { FileHandle } from "node:fs/promises"
import { promisify } from "node:util"
import type { ByteRange } from "../../PartStorage.js"
import type { StorageError } from "../../StorageError.js"
import { storageError } from "./fileError.js"

/** Buffers of this size die young. With larger ones V8 was measured to collect the whole heap every few reads. */
const bufferBytes = 64 * 1024

/** The number of buffers of one read: a step of a stream costs about as much as the checksum of a buffer. */
const buffersPerRead = 4

const allocate = (bytes: number): ReadonlyArray<Buffer> =>
  Array.from(
    { length: Math.ceil(bytes / bufferBytes) },
    (_, index) => Buffer.allocUnsafeSlow(Math.min(bufferBytes, bytes - index * bufferBytes))
  )

/** The files that are read at the same time: Node has four threads for them. */
const concurrentFiles = 4

// A `FileHandle` of `node:fs/promises` takes as long to make as the three calls of a small range.
const open = promisify(Fs.open)
const readInto = promisify(Fs.read)
const close = promisify(Fs.close)

/** Opens a file, reads a small range, and closes it. */
const readFile = async ({ path, range }: FileRange): Promise<Uint8Array> => {
  const descriptor = await open(path, "r")
  try {
    // From the pool of Node: an `ArrayBuffer` for each of thousands of small parts keeps the garbage collector busy.
    const buffer = Buffer.allocUnsafe(range.bytes)
    let filled = 0
    while (filled < range.bytes) {
      const { bytesRead } = await readInto(descriptor, buffer, filled, range.bytes - filled, range.offset + filled)
      if (bytesRead === 0) {
        const error = new Error(`the file ends at byte ${range.offset + filled}`)
        return await Promise.reject(Object.assign(error, { code: "ENOENT" }))
      }
      filled += bytesRead
    }
    return buffer
  } finally {
    await close(descriptor)
  }
}

export interface FileRange {
  readonly path: string
  readonly range: ByteRange
}

/**
 * Reads small ranges of files, in the order of the list. Rejects with the code `ENOENT` if a file is too short. No file is open when
 * it settles.
 */
export const readSmall = async (ranges: ReadonlyArray<FileRange>): Promise<ReadonlyArray<Uint8Array>> => {
  const buffers: Array<Uint8Array> = []
  for (const files of Arr.chunksOf(ranges, concurrentFiles)) {
    for (const read of await Promise.allSettled(files.map(readFile))) {
      if (read.status === "rejected") return Promise.reject(read.reason)
      buffers.push(read.value)
    }
  }
  return buffers
}

/**
 * Reads a range of a file. The next read starts while the bytes of the last one are used. `step` runs a read to its end, even if
 * the reader is interrupted. Fails with `Missing` if the file is too short.
 */
export const read = (
  handle: FileHandle,
  range: ByteRange,
  { operation, step }: {
    readonly operation: string
    readonly step: <A>(run: () => Promise<A>) => Effect.Effect<A, StorageError>
  }
): Stream.Stream<Uint8Array, StorageError> => {
  const end = range.offset + range.bytes
  const readAt = async (position: number) => {
    const buffers = allocate(Math.min(buffersPerRead * bufferBytes, end - position))
    const { bytesRead } = await handle.readv(buffers, position)
    const read = buffers.map((buffer, index) => buffer.subarray(0, Math.max(0, bytesRead - index * bufferBytes)))
    return { bytesRead, chunk: Chunk.unsafeFromArray(read.filter((buffer) => buffer.byteLength > 0)) }
  }
  const nothing = Promise.resolve({ bytesRead: 0, chunk: Chunk.empty<Uint8Array>() })
  const start = (position: number) => {
    const reading = position === end ? nothing : readAt(position)
    reading.catch(() => {})
    return reading
  }
  return Stream.unfoldChunkEffect(
    { position: range.offset, reading: start(range.offset) },
    ({ position, reading }) =>
      position === end ? Effect.succeedNone : step(() => reading).pipe(
        Effect.filterOrFail(
          ({ bytesRead }) => bytesRead > 0,
          () => storageError(operation, new Error(`the file ends at byte ${position}`), "Missing")
        ),
        Effect.map(({ bytesRead, chunk }) => {
          const next = position + bytesRead
          return Option.some([chunk, { position: next, reading: start(next) }] as const)
        })
      )
  )
}
