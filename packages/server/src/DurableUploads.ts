/**
 * A `UploadsService` that keeps what it acknowledges: metadata in an `UploadRepository`, bytes in a `PartStorage`.
 *
 * A part's bytes are durable before the part is recorded, and it exists once it is recorded. Whatever happens in between
 * leaves bytes that belong to no part, which the `Sweeper` removes.
 *
 * @since 0.1.0
 */
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import type { UploadId } from "@effect-uploads/domain/Ids"
import { randomFileId, randomPartId, randomUploadId } from "@effect-uploads/domain/Ids"
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { ChecksumMismatch } from "@effect-uploads/domain/UploadError"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as UploadParts from "@effect-uploads/domain/UploadParts"
import { atMost } from "@effect-uploads/http/ByteLimits"
import * as PartData from "@effect-uploads/http/PartData"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as partBytes from "./internal/partBytes.js"
import * as unavailable from "./internal/unavailable.js"
import { Leases } from "./Leases.js"
import { PartStorage } from "./PartStorage.js"
import { CurrentProject } from "./Project.js"
import { bytesReceived } from "./ServerMetrics.js"
import type { StoredPart } from "./UploadRepository.js"
import { Change, UploadRepository } from "./UploadRepository.js"

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.gen(function*() {
  const repository = yield* UploadRepository
  const storage = yield* PartStorage
  const inUse = yield* Leases
  const limits = yield* UploadLimits

  const findPending = (uploadId: UploadId) =>
    Effect.gen(function*() {
      const project = yield* CurrentProject
      const found = Upload.findPending(yield* repository.findUpload(project, uploadId), uploadId, yield* DateTime.now)
      if (Either.isRight(found) || found.left._tag !== "UploadExpired") return yield* found
      // A command that was decided in time may still be on its way to the disk. In a line with it, nobody is told that the
      // Upload expired who then finds it completed.
      return yield* repository.changeUpload(
        project,
        uploadId,
        (stored, now) => Either.flatMap(Upload.findPending(stored, uploadId, now), () => Either.left(found.left))
      )
    })

  /**
   * A step that looks at parts. Those of a pending Upload never go; so what it finds wrong is wrong if the Upload is still
   * pending afterwards, and else only late.
   */
  const whilePending = <A, E, R>(uploadId: UploadId, step: Effect.Effect<A, E, R>) =>
    Effect.tapError(step, () => findPending(uploadId))

  const verify = (uploadId: UploadId, parts: ReadonlyArray<StoredPart>, expected: Md5) =>
    Effect.gen(function*() {
      yield* inUse.hold(uploadId)
      const hash = createHash("md5")
      yield* Stream.runForEach(partBytes.read(storage, parts), (bytes) => Effect.sync(() => hash.update(bytes)))
      const actual = hash.digest("hex")
      if (actual !== expected) yield* new ChecksumMismatch({ uploadId, expected, actual })
    }).pipe(Effect.scoped, Effect.withSpan("UploadsService.verify"))

  return UploadsService.of({
    create: Effect.fn("UploadsService.create")(function*(request) {
      yield* Effect.annotateCurrentSpan({ bytes: request.bytes })
      const accepted = yield* CreateUpload.accept(request, limits)
      const upload = Upload.create(accepted, {
        id: yield* randomUploadId,
        createdAt: yield* Timestamp.now,
        lifetime: limits.uploadLifetime
      })
      yield* repository.createUpload({
        project: yield* CurrentProject,
        upload,
        mimeType: accepted.mimeType,
        expiresAfter: accepted.fileLifetime,
        receivedBytes: UploadParts.total([])
      })
      yield* Effect.annotateCurrentSpan({ uploadId: upload.id })
      return upload
    }, unavailable.effect),

    addPart: Effect.fn("UploadsService.addPart")(
      function*(uploadId, data) {
        yield* Effect.annotateCurrentSpan({ uploadId })
        const announced = yield* PartData.validate(data, { uploadId, limit: limits.partBytes })
        const { receivedBytes, upload } = yield* findPending(uploadId)
        // Nothing is read of a part that cannot fit.
        if (Option.isSome(announced)) yield* UploadParts.checkFits(upload, receivedBytes, announced.value)
        const key = { uploadId, partId: yield* randomPartId }
        const bytes = atMost(
          PartData.toStream(data),
          Math.min(limits.partBytes, upload.bytes - receivedBytes),
          () => UploadParts.overflowError(upload, receivedBytes, limits)
        )
        const project = yield* CurrentProject
        yield* inUse.hold(uploadId)
        const { part } = yield* Effect.uninterruptibleMask((restore) =>
          Effect.gen(function*() {
            const written = yield* restore(storage.write(key, bytes))
            const part = new UploadPart({ id: key.partId, createdAt: yield* Timestamp.now, uploadId })
            return yield* repository.changeUpload(project, uploadId, (stored, now) =>
              Either.gen(function*() {
                const { receivedBytes, upload } = yield* Upload.findPending(stored, uploadId, now)
                yield* UploadParts.checkFits(upload, receivedBytes, written.bytes)
                return Change.PartAdded({ part: { part, ...written } })
              })).pipe(
                // Where the repository failed it may have recorded the part all the same.
                Effect.tapError((error) =>
                  error._tag === "StorageError" ? Effect.void : Effect.ignore(storage.remove(key))
                )
              )
          })
        )
        yield* Effect.annotateCurrentSpan({ partId: key.partId, bytes: part.bytes })
        yield* Metric.incrementBy(bytesReceived, part.bytes)
        return part.part
      },
      Effect.scoped,
      unavailable.effect
    ),

    complete: Effect.fn("UploadsService.complete")(function*(uploadId, request) {
      yield* Effect.annotateCurrentSpan({ uploadId, parts: request.partIds.length })
      const { md5, partIds } = yield* CompleteUpload.validate(request)
      const { upload } = yield* findPending(uploadId)
      yield* whilePending(
        uploadId,
        Effect.gen(function*() {
          const parts = yield* repository.partsOfUpload(uploadId)
          const listed = yield* UploadParts.orderParts(upload, parts, partIds)
          if (md5 !== undefined) yield* verify(uploadId, listed, md5)
        })
      )
      const id = yield* randomFileId
      const completed = yield* repository.changeUpload(
        yield* CurrentProject,
        uploadId,
        (stored, now) =>
          Either.map(Upload.findPending(stored, uploadId, now), ({ expiresAfter, upload }) =>
            Change.Completed({
              upload: Upload.complete(upload, UploadParts.toFile(upload, { id, expiresAfter })),
              partIds
            }))
      )
      yield* Effect.annotateCurrentSpan({ fileId: id, bytes: upload.bytes })
      return completed.upload
    }, unavailable.effect),

    cancel: Effect.fn("UploadsService.cancel")(function*(uploadId) {
      yield* Effect.annotateCurrentSpan({ uploadId })
      const cancelled = yield* repository.changeUpload(
        yield* CurrentProject,
        uploadId,
        (stored, now) =>
          Either.map(
            Upload.findPending(stored, uploadId, now),
            ({ upload }) => Change.Cancelled({ upload: Upload.cancel(upload) })
          )
      )
      return cancelled.upload
    }, unavailable.effect)
  })
})

/**
 * The limits are those of `UploadLimits` in the context, the project of each call is `CurrentProject`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<UploadsService, never, UploadRepository | PartStorage | Leases> = Layer.effect(
  UploadsService,
  make
)
