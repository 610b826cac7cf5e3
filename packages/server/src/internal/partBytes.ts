import * as FileRange from "@effect-uploads/http/FileRange"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as PartStorage from "../PartStorage.js"
import { StorageError } from "../StorageError.js"
import type { StoredPart } from "../UploadRepository.js"
import * as Checksum from "./files/checksum.js"

/** A range of one part. */
export interface Section {
  readonly part: StoredPart
  readonly offset: number
  readonly bytes: number
}

/** The range of each part that is within the bounds, in the order of the parts. */
export const sections = (parts: ReadonlyArray<StoredPart>, bounds: FileRange.Bounds): ReadonlyArray<Section> => {
  const found: Array<Section> = []
  let start = 0
  for (const part of parts) {
    const offset = Math.max(0, bounds.start - start)
    const bytes = Math.min(bounds.end - start, part.bytes) - offset
    if (bytes > 0) found.push({ part, offset, bytes })
    start += part.bytes
  }
  return found
}

/**
 * The bytes of the parts, one after another. A part that is read completely is compared with its checksum before its last bytes
 * are emitted, so that a damaged part is never read to its end.
 */
export const read = (
  storage: PartStorage.Service,
  parts: ReadonlyArray<StoredPart>,
  bounds: FileRange.Bounds = FileRange.whole
): Stream.Stream<Uint8Array, StorageError> =>
  Stream.flatMap(Stream.fromIterable(sections(parts, bounds)), (section) => {
    const { bytes, offset, part } = section
    const key = { uploadId: part.part.uploadId, partId: part.part.id }
    const data = storage.read(key, { offset, bytes })
    return bytes === part.bytes ? verified(data, part) : data
  })

const verified = (
  data: Stream.Stream<Uint8Array, StorageError>,
  { bytes, checksum: expected, part }: StoredPart
): Stream.Stream<Uint8Array, StorageError> =>
  Stream.suspend(() => {
    const checksum = Checksum.make()
    let read = 0
    return Stream.mapChunksEffect(data, (chunk) => {
      const before = read
      for (const buffer of chunk) {
        read += buffer.byteLength
        checksum.update(buffer)
      }
      // The digest may be computed once: with the last byte, not with an empty chunk after it.
      const isIntact = read === before || read < bytes || (read === bytes && checksum.digest() === expected)
      return isIntact ? Effect.succeed(chunk) : new StorageError({
        store: "parts",
        reason: "Corrupt",
        operation: `reading ${part.id}`
      })
    })
  })
