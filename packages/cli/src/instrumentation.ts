import type { UploadId } from "@effect-uploads/domain/Ids"
import * as PartData from "@effect-uploads/http/PartData"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/** Sends no more bytes a second than it is told, all parts together. */
const limitRate = (bytesPerSecond: number) => {
  /** When the bytes that were let through will have been sent at the rate. */
  let freeAt = 0
  // A tenth of a second's bytes at a time, so that the flow is even.
  const piece = Math.max(1, Math.min(Math.floor(bytesPerSecond / 10), 64 * 1024))
  const pass = (bytes: Uint8Array) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const start = Math.max(now, freeAt)
      freeAt = start + bytes.byteLength * 1000 / bytesPerSecond
      return Effect.as(Effect.when(Effect.sleep(Duration.millis(start - now)), () => start > now), bytes)
    })
  const pieces = (bytes: Uint8Array) =>
    Array.from(
      { length: Math.ceil(bytes.byteLength / piece) },
      (_, index) => bytes.subarray(index * piece, (index + 1) * piece)
    )
  const limited = (part: PartData.PartStream | PartData.PartFile | Blob) =>
    PartData.stream(
      PartData.toStream(part).pipe(Stream.mapConcat(pieces), Stream.rechunk(1), Stream.mapEffect(pass)),
      { bytes: part instanceof Blob ? part.size : part.bytes }
    )
  return (data: PartData.PartData): PartData.PartData =>
    data instanceof PartData.PartWithProgress
      ? PartData.withProgress(limited(data.part), data.onProgress)
      : data instanceof PartData.PartFile || data instanceof PartData.PartStream
      ? limited(data)
      : data
}

/**
 * The service, seen from outside: it counts the parts under way of each Upload, may hold back their bytes, and remembers which
 * Uploads it cancelled.
 */
export const make = (
  uploads: UploadsService.Service,
  bytesPerSecond: Option.Option<number>
): {
  readonly uploads: UploadsService.Service
  readonly partsInFlight: (uploadId: UploadId) => number
  readonly isCancelled: (uploadId: UploadId) => boolean
} => {
  const cancelled = new Set<UploadId>()
  const inFlight = new Map<UploadId, number>()
  const count = (uploadId: UploadId, change: number) =>
    Effect.sync(() => {
      const parts = (inFlight.get(uploadId) ?? 0) + change
      if (parts === 0) inFlight.delete(uploadId)
      else inFlight.set(uploadId, parts)
    })
  const shape = Option.match(bytesPerSecond, {
    onNone: () => (data: PartData.PartData) => data,
    onSome: limitRate
  })
  return {
    uploads: {
      ...uploads,
      addPart: (uploadId, data) =>
        Effect.acquireUseRelease(
          count(uploadId, 1),
          () => uploads.addPart(uploadId, shape(data)),
          () => count(uploadId, -1)
        ),
      cancel: (uploadId) => Effect.tap(uploads.cancel(uploadId), () => cancelled.add(uploadId))
    },
    isCancelled: (uploadId) => cancelled.has(uploadId),
    partsInFlight: (uploadId) => inFlight.get(uploadId) ?? 0
  }
}
