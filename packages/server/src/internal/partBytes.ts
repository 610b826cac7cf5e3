import * as EventLoop from "@effect-uploads/http/EventLoop"
import * as FileRange from "@effect-uploads/http/FileRange"
import type * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
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

const concurrentReads = 16

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
    Stream.flatMap(([first, ...rest]) =>
      rest.length === 0
        ? first.bytes === first.part.bytes
          ? verified(readSection(storage, first), first.part)
          : readSection(storage, first)
        : Stream.fromEffect(readTogether(storage, [first, ...rest]))
    )
  )

const readSection = (storage: PartStorage.Service, { bytes, offset, part }: Section) =>
  storage.read({ uploadId: part.part.uploadId, partId: part.part.id }, { offset, bytes })

const corrupt = ({ part }: StoredPart) =>
  new StorageError({ store: "parts", reason: "Corrupt", operation: `reading ${part.id}` })

const readSmall = (storage: PartStorage.Service, section: Section): Effect.Effect<Buffer, StorageError> =>
  Effect.flatMap(Stream.runCollect(readSection(storage, section)), (chunks) => {
    const data = Buffer.concat(Chunk.toReadonlyArray(chunks))
    if (section.bytes !== section.part.bytes) return Effect.succeed(data)
    const checksum = Checksum.make()
    checksum.update(data)
    return checksum.digest() === section.part.checksum ? Effect.succeed(data) : corrupt(section.part)
  })

/**
 * Reads small sections concurrently into one buffer: a consumer takes as long for one byte as for many. It begins in a turn of the
 * event loop of its own, because each section has a fiber, and many downloads may begin at once.
 */
const readTogether = (
  storage: PartStorage.Service,
  batch: ReadonlyArray<Section>
): Effect.Effect<Uint8Array, StorageError> =>
  EventLoop.nextTurn.pipe(
    Effect.zipRight(Effect.forEach(batch, (section) => readSmall(storage, section), { concurrency: concurrentReads })),
    Effect.map((buffers) => Buffer.concat(buffers))
  )

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
