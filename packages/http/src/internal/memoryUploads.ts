import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import * as ExpiresAfter from "@effect-uploads/domain/ExpiresAfter"
import { FileObject } from "@effect-uploads/domain/FileObject"
import { UploadPurpose } from "@effect-uploads/domain/FilePurpose"
import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import {
  BytesMismatch,
  ChecksumMismatch,
  InvalidRequest,
  PartNotFound,
  PartTooLarge,
  UploadNotFound,
  UploadSizeExceeded
} from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import { md5 } from "@noble/hashes/legacy"
import { bytesToHex } from "@noble/hashes/utils"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as PartData from "../PartData.js"
import type * as UploadsService from "../UploadsService.js"
import type { State, StoredPart, StoredUpload } from "./memoryState.js"
import { commit } from "./memoryState.js"
import { hexDigits, randomText } from "./randomText.js"

const letters = randomText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 22)

const total = (parts: ReadonlyArray<StoredPart>): ByteSize =>
  ByteSize.make(parts.reduce((sum, { bytes }) => sum + bytes, 0))

const isUploadPurpose = Schema.is(UploadPurpose)

/** Every command is checked against the state that it changes. */
export const make = (ref: Ref.Ref<State>, limits: Limits): UploadsService.Service => {
  /** The Upload if it takes commands now. */
  const findPending = (state: State, uploadId: UploadId, now: DateTime.Utc) =>
    HashMap.get(state.uploads, uploadId).pipe(
      Either.fromOption(() => new UploadNotFound({ uploadId })),
      Either.flatMap((stored) =>
        Either.map(Upload.ensurePending(stored.upload, now), (pending) => ({ ...stored, upload: pending }))
      )
    )

  const put = (state: State, stored: StoredUpload): State => ({
    ...state,
    uploads: HashMap.set(state.uploads, stored.upload.id, stored)
  })

  return {
    create: Effect.fn("UploadsService.create")(function*(request) {
      yield* Effect.annotateCurrentSpan({ bytes: request.bytes })
      const valid = yield* CreateUpload.validate(request, limits)
      if (!isUploadPurpose(valid.purpose)) {
        return yield* new InvalidRequest({
          field: "purpose",
          problem: `got ${JSON.stringify(valid.purpose)}`,
          limit: UploadPurpose.literals.join(", ")
        })
      }
      const upload = Upload.create(valid, {
        id: UploadId.make(`upload_${yield* hexDigits}`),
        createdAt: yield* Timestamp.now,
        lifetime: limits.uploadLifetime
      })
      const expiresAfter = Option.orElse(
        Option.fromNullable(valid.expiresAfter),
        () => ExpiresAfter.defaultFor(valid.purpose)
      )
      yield* Ref.update(ref, (state) => ({
        ...put(state, { sequence: state.sequence, upload, expiresAfter, parts: [] }),
        sequence: state.sequence + 1
      }))
      yield* Effect.annotateCurrentSpan({ uploadId: upload.id })
      return upload
    }),

    addPart: Effect.fn("UploadsService.addPart")(function*(uploadId, data) {
      yield* Effect.annotateCurrentSpan({ uploadId })
      const announced = yield* PartData.validate(data, { uploadId, limit: limits.partBytes })
      const before = yield* findPending(yield* Ref.get(ref), uploadId, yield* DateTime.now)
      const declared = before.upload.bytes
      const room = declared - total(before.parts)
      const exceeded = (received: Option.Option<number>) =>
        new UploadSizeExceeded({
          uploadId,
          declared,
          ...(Option.isSome(received) ? { received: ByteSize.make(received.value) } : {})
        })
      // Nothing is read of a part that cannot fit.
      if (Option.isSome(announced) && announced.value > room) {
        return yield* exceeded(Option.some(total(before.parts) + announced.value))
      }
      const chunks = yield* PartData.collect(data, {
        limit: Math.min(limits.partBytes, room),
        tooLarge: () =>
          room < limits.partBytes
            ? exceeded(Option.none())
            : new PartTooLarge({ uploadId, limit: limits.partBytes })
      })
      // The caller may use its buffers again.
      const copies = data instanceof Uint8Array ? [new Uint8Array(data)] : chunks
      const part = new UploadPart({
        id: PartId.make(`part_${yield* hexDigits}`),
        createdAt: yield* Timestamp.now,
        uploadId
      })
      const bytes = copies.reduce((sum, chunk) => sum + chunk.byteLength, 0)
      const now = yield* DateTime.now
      yield* Effect.annotateCurrentSpan({ partId: part.id, bytes })
      return yield* commit(ref, (state) =>
        Either.flatMap(findPending(state, uploadId, now), (stored) => {
          const received = total(stored.parts) + bytes
          return received > declared
            ? Either.left(exceeded(Option.some(received)))
            : Either.right([part, put(state, { ...stored, parts: [...stored.parts, { part, chunks: copies, bytes }] })])
        }))
    }),

    complete: Effect.fn("UploadsService.complete")(function*(uploadId, request) {
      yield* Effect.annotateCurrentSpan({ uploadId, parts: request.partIds.length })
      const valid = yield* CompleteUpload.validate(request)
      const fileId = FileId.make(`file-${yield* letters}`)
      const now = yield* DateTime.now
      const completed = yield* commit(ref, (state) =>
        Either.gen(function*() {
          const stored = yield* findPending(state, uploadId, now)
          const parts = yield* findParts(stored, valid.partIds)
          const received = total(parts)
          if (received !== stored.upload.bytes) {
            return yield* Either.left(new BytesMismatch({ uploadId, declared: stored.upload.bytes, received }))
          }
          const chunks = parts.flatMap((part) => part.chunks)
          if (valid.md5 !== undefined) yield* verify(uploadId, chunks, valid.md5)
          const { createdAt, filename, purpose } = stored.upload
          const file = new FileObject({
            id: fileId,
            bytes: received,
            createdAt,
            expiresAt: ExpiresAfter.expiresAt(stored.expiresAfter, createdAt),
            filename,
            purpose,
            status: "processed"
          })
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

const findParts = (
  stored: StoredUpload,
  partIds: ReadonlyArray<PartId>
): Either.Either<ReadonlyArray<StoredPart>, PartNotFound> => {
  const byId = new Map(stored.parts.map((part) => [part.part.id, part]))
  return Either.all(
    partIds.map((partId) =>
      Either.fromNullable(byId.get(partId), () => new PartNotFound({ uploadId: stored.upload.id, partId }))
    )
  )
}

const verify = (
  uploadId: UploadId,
  chunks: ReadonlyArray<Uint8Array>,
  expected: Md5
): Either.Either<void, ChecksumMismatch> => {
  const hash = md5.create()
  for (const chunk of chunks) hash.update(chunk)
  const actual = bytesToHex(hash.digest())
  return actual === expected ? Either.void : Either.left(new ChecksumMismatch({ uploadId, expected, actual }))
}
