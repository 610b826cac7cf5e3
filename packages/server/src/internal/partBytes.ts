import * as EventLoop from "@effect-uploads/http/EventLoop"
import * as FileRange from "@effect-uploads/http/FileRange"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as PartStorage from "../PartStorage.js"
import { StorageError } from "../StorageError.js"
import type { StoredPart } from "../UploadRepository.js"
import * as Checksum from "./files/checksum.js"

/** A range of one part. */
interface Section {
  readonly part: StoredPart
  readonly offset: number
  readonly bytes: number
}

/** The range of each part that is within the bounds, in the order of the parts. The first part begins at `start`. */
const sections = (
  parts: Iterable<StoredPart>,
  start: number,
  bounds: FileRange.Bounds
): { readonly end: number; readonly sections: ReadonlyArray<Section> } => {
  const found: Array<Section> = []
  let end = start
  for (const part of parts) {
    const offset = Math.max(0, bounds.start - end)
    const bytes = Math.min(bounds.end - end, part.bytes) - offset
    if (bytes > 0) found.push({ part, offset, bytes })
    end += part.bytes
  }
  return { end, sections: found }
}

/** A section up to this size is read together with its neighbours. */
const smallBytes = 64 * 1024

/** The sections that are read together have at most this size. */
const batchBytes = 256 * 1024

/** The sections that are read together are at most so many, so that the event loop is free in between. */
const batchSections = 64

/** Groups adjacent small sections. A large section is a group of its own. */
const batches = (sections: ReadonlyArray<Section>): ReadonlyArray<Arr.NonEmptyReadonlyArray<Section>> => {
  const found: Array<Arr.NonEmptyArray<Section>> = []
  let bytes = 0
  for (const section of sections) {
    const last = found.at(-1)
    const fits = last !== undefined && last.length < batchSections && section.bytes <= smallBytes &&
      bytes + section.bytes <= batchBytes
    if (fits) last.push(section)
    else found.push([section])
    // Nothing joins a large section.
    bytes = section.bytes > smallBytes ? batchBytes : (fits ? bytes : 0) + section.bytes
  }
  return found
}

/**
 * The bytes of the parts, one after another. Parts after the bounds are not asked for. A part that is read completely is compared with its checksum before its last bytes
 * are emitted, so that a damaged part is never read to its end.
 */
export const read = (
  storage: PartStorage.Service,
  parts: Stream.Stream<StoredPart, StorageError>,
  bounds: FileRange.Bounds = FileRange.whole
): Stream.Stream<Uint8Array, StorageError> =>
  Stream.chunks(parts).pipe(
    Stream.mapAccum(0, (start, page) => {
      const within = sections(page, start, bounds)
      return [within.end, within]
    }),
    Stream.takeUntil(({ end }) => end >= bounds.end),
    Stream.mapConcat(({ sections }) => batches(sections)),
    Stream.flatMap((batch) => {
      const [first] = batch
      return first.bytes <= smallBytes ? Stream.fromEffect(readTogether(storage, batch)) : readLarge(storage, first)
    })
  )

const keyOf = ({ part }: StoredPart): PartStorage.PartKey => ({ uploadId: part.uploadId, partId: part.id })

const readLarge = (storage: PartStorage.Service, section: Section): Stream.Stream<Uint8Array, StorageError> => {
  const data = storage.read(keyOf(section.part), section)
  return section.bytes === section.part.bytes ? verified(data, section.part) : data
}

const corrupt = ({ part }: StoredPart) =>
  new StorageError({ store: "parts", reason: "Corrupt", operation: `reading ${part.id}` })

const hasItsChecksum = (data: Uint8Array, { bytes, part }: Section): boolean => {
  if (bytes !== part.bytes) return true
  const checksum = Checksum.make()
  checksum.update(data)
  return checksum.digest() === part.checksum
}

/**
 * Reads small sections into one buffer: a consumer takes as long for one byte as for many. It begins in a turn of the event loop
 * of its own, because many downloads may begin at once.
 */
const readTogether = (
  storage: PartStorage.Service,
  batch: ReadonlyArray<Section>
): Effect.Effect<Uint8Array, StorageError> =>
  Effect.gen(function*() {
    yield* EventLoop.nextTurn
    const buffers = yield* storage.readSmall(batch.map((section) => [keyOf(section.part), section]))
    for (const [section, data] of Arr.zip(batch, buffers)) {
      if (!hasItsChecksum(data, section)) return yield* corrupt(section.part)
    }
    return Buffer.concat(buffers)
  })

const verified = (
  data: Stream.Stream<Uint8Array, StorageError>,
  stored: StoredPart
): Stream.Stream<Uint8Array, StorageError> =>
  Stream.suspend(() => {
    const { bytes, checksum: expected } = stored
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
      return isIntact ? Effect.succeed(chunk) : corrupt(stored)
    })
  })
