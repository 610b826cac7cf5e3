import * as PartData from "@effect-uploads/http/PartData"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The longest chunk that passes at once, in bytes. */
const maximumChunkBytes = 64 * 1024

/** Delays each chunk until the bytes before it would have been sent at the rate. All streams share one schedule. */
const makeThrottle = (bytesPerSecond: number) => {
  // A tenth of a second at a time, so that the flow is even.
  const chunkBytes = Math.max(1, Math.min(Math.floor(bytesPerSecond / 10), maximumChunkBytes))
  /** The moment at which the next chunk may pass, in Unix milliseconds. */
  let freeAt = 0
  const pass = (chunk: Uint8Array) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const start = Math.max(now, freeAt)
      freeAt = start + chunk.byteLength * 1000 / bytesPerSecond
      return Effect.as(Effect.when(Effect.sleep(Duration.millis(start - now)), () => start > now), chunk)
    })
  const split = (bytes: Uint8Array) =>
    Array.from(
      { length: Math.ceil(bytes.byteLength / chunkBytes) },
      (_, index) => bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)
    )
  return <E, R>(bytes: Stream.Stream<Uint8Array, E, R>) =>
    bytes.pipe(Stream.mapConcat(split), Stream.rechunk(1), Stream.mapEffect(pass))
}

/** The service with a limit for the bytes of parts a second, of all parts together. Parts in memory are not limited. */
export const limitRate = (uploads: UploadsService.Service, bytesPerSecond: number): UploadsService.Service => {
  const throttle = makeThrottle(bytesPerSecond)
  const limitPart = (part: PartData.PartStream | PartData.PartFile | Blob) =>
    PartData.stream(throttle(PartData.toStream(part)), { bytes: part instanceof Blob ? part.size : part.bytes })
  const limit = (data: PartData.PartData): PartData.PartData =>
    data instanceof PartData.PartWithProgress
      ? PartData.withProgress(limitPart(data.part), data.onProgress)
      : data instanceof PartData.PartFile || data instanceof PartData.PartStream
      ? limitPart(data)
      : data
  return { ...uploads, addPart: (uploadId, data) => uploads.addPart(uploadId, limit(data)) }
}
