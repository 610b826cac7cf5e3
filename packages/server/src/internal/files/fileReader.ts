import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { FileHandle } from "node:fs/promises"
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

/**
 * Reads a range of a file. The next read starts while the bytes of the last one are used. `step` runs a read to its end, even if
 * the reader is interrupted. Fails with `Missing` if the file is too short.
 */
export const read = (
  handle: FileHandle,
  range: { readonly offset: number; readonly bytes: number },
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
  const start = (position: number) => {
    const reading = readAt(position)
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
