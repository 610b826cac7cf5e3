import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import type { UploadId } from "@effect-uploads/domain/Ids"
import { randomFileId, randomPartId, randomUploadId } from "@effect-uploads/domain/Ids"
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { ChecksumMismatch } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as UploadParts from "@effect-uploads/domain/UploadParts"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { md5 } from "js-md5"
import { totalBytes } from "../../ByteLimits.js"
import * as PartData from "../../PartData.js"
import type * as UploadsService from "../../UploadsService.js"
import type { State, StoredUpload } from "./state.js"
import { commit } from "./state.js"

/** Every command is validated against the state that it changes. */
export const make = (ref: Ref.Ref<State>, limits: Limits): UploadsService.Service => {
  const findPending = (state: State, uploadId: UploadId, now: DateTime.Utc) =>
    Upload.findPending(HashMap.get(state.uploads, uploadId), uploadId, now)

  const put = (state: State, stored: StoredUpload): State => ({
    ...state,
    uploads: HashMap.set(state.uploads, stored.upload.id, stored)
  })

  return {
    create: Effect.fn("UploadsService.create")(function*(request) {
      yield* Effect.annotateCurrentSpan({ bytes: request.bytes })
      const accepted = yield* CreateUpload.accept(request, limits)
      const upload = Upload.create(accepted, {
        id: yield* randomUploadId,
        createdAt: yield* Timestamp.now,
        lifetime: limits.uploadLifetime
      })
      yield* Ref.update(ref, (state) => ({
        ...put(state, { sequence: state.sequence, upload, expiresAfter: accepted.fileLifetime, parts: [] }),
        sequence: state.sequence + 1
      }))
      yield* Effect.annotateCurrentSpan({ uploadId: upload.id })
      return upload
    }),

    addPart: Effect.fn("UploadsService.addPart")(function*(uploadId, data) {
      yield* Effect.annotateCurrentSpan({ uploadId })
      const declared = yield* PartData.validate(data, { uploadId, limit: limits.partBytes })
      const before = yield* findPending(yield* Ref.get(ref), uploadId, yield* DateTime.now)
      const receivedBytes = UploadParts.total(before.parts)
      // A part that cannot fit is not read at all.
      if (Option.isSome(declared)) yield* UploadParts.checkFits(before.upload, receivedBytes, declared.value)
      const chunks = yield* PartData.collect(data, {
        limit: Math.min(limits.partBytes, before.upload.bytes - receivedBytes),
        tooLarge: () => UploadParts.overflowError(before.upload, receivedBytes, limits)
      })
      // Copied: the caller may reuse its buffer.
      const copies = data instanceof Uint8Array ? [new Uint8Array(data)] : chunks
      const part = new UploadPart({
        id: yield* randomPartId,
        createdAt: yield* Timestamp.now,
        uploadId
      })
      const bytes = ByteSize.make(totalBytes(copies))
      const now = yield* DateTime.now
      yield* Effect.annotateCurrentSpan({ partId: part.id, bytes })
      return yield* commit(ref, (state) =>
        Either.flatMap(findPending(state, uploadId, now), (stored) =>
          Either.map(
            UploadParts.checkFits(stored.upload, UploadParts.total(stored.parts), bytes),
            () => [part, put(state, { ...stored, parts: [...stored.parts, { part, chunks: copies, bytes }] })] as const
          )))
    }),

    complete: Effect.fn("UploadsService.complete")(function*(uploadId, request) {
      yield* Effect.annotateCurrentSpan({ uploadId, parts: request.partIds.length })
      const valid = yield* CompleteUpload.validate(request)
      const fileId = yield* randomFileId
      const now = yield* DateTime.now
      const completed = yield* commit(ref, (state) =>
        Either.gen(function*() {
          const stored = yield* findPending(state, uploadId, now)
          const parts = yield* UploadParts.orderParts(stored.upload, stored.parts, valid.partIds)
          const chunks = parts.flatMap((part) => part.chunks)
          if (valid.md5 !== undefined) yield* verify(uploadId, chunks, valid.md5)
          const file = UploadParts.toFile(stored.upload, { id: fileId, expiresAfter: stored.expiresAfter })
          const upload = Upload.complete(stored.upload, file)
          return [upload, {
            ...put(state, { ...stored, upload, parts: [] }),
            sequence: state.sequence + 1,
            files: HashMap.set(state.files, fileId, { sequence: state.sequence, file, chunks })
          }] as const
        }))
      yield* Effect.annotateCurrentSpan({ fileId, bytes: completed.bytes })
      return completed
    }),

    cancel: Effect.fn("UploadsService.cancel")(function*(uploadId) {
      yield* Effect.annotateCurrentSpan({ uploadId })
      const now = yield* DateTime.now
      return yield* commit(ref, (state) =>
        Either.map(findPending(state, uploadId, now), (stored) => {
          const upload = Upload.cancel(stored.upload)
          return [upload, put(state, { ...stored, upload, parts: [] })] as const
        }))
    })
  }
}

const verify = (
  uploadId: UploadId,
  chunks: ReadonlyArray<Uint8Array>,
  expected: Md5
): Either.Either<void, ChecksumMismatch> => {
  const hash = md5.create()
  for (const chunk of chunks) hash.update(chunk)
  const actual = hash.hex()
  return actual === expected ? Either.void : Either.left(new ChecksumMismatch({ uploadId, expected, actual }))
}
