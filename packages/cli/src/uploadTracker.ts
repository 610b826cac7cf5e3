import type { UploadId } from "@effect-uploads/domain/Ids"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Effect from "effect/Effect"

/** A service, and what it did so far. */
export interface UploadTracker {
  readonly uploads: UploadsService.Service
  /** The parts of the Upload that are being sent. */
  readonly partsInFlight: (uploadId: UploadId) => number
  readonly isCancelled: (uploadId: UploadId) => boolean
}

/** Counts the parts in flight of each Upload, and remembers the cancelled Uploads. */
export const make = (uploads: UploadsService.Service): UploadTracker => {
  const cancelled = new Set<UploadId>()
  const inFlight = new Map<UploadId, number>()
  const count = (uploadId: UploadId, change: number) =>
    Effect.sync(() => {
      const parts = (inFlight.get(uploadId) ?? 0) + change
      if (parts === 0) inFlight.delete(uploadId)
      else inFlight.set(uploadId, parts)
    })
  return {
    uploads: {
      ...uploads,
      addPart: (uploadId, data) =>
        Effect.acquireUseRelease(
          count(uploadId, 1),
          () => uploads.addPart(uploadId, data),
          () => count(uploadId, -1)
        ),
      cancel: (uploadId) => Effect.tap(uploads.cancel(uploadId), () => cancelled.add(uploadId))
    },
    partsInFlight: (uploadId) => inFlight.get(uploadId) ?? 0,
    isCancelled: (uploadId) => cancelled.has(uploadId)
  }
}
