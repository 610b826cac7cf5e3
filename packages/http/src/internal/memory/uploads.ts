import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import * as IdempotencyRecord from "@effect-uploads/domain/IdempotencyRecord"
import type { UploadId } from "@effect-uploads/domain/Ids"
import { randomFileId, randomPartId, randomUploadId } from "@effect-uploads/domain/Ids"
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { ChecksumMismatch, PartTooLarge } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as UploadParts from "@effect-uploads/domain/UploadParts"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { md5 } from "js-md5"
import { totalBytes } from "../../ByteLimits.js"
import { IdempotencyKey } from "../../IdempotencyKey.js"
import * as PartData from "../../PartData.js"
import type * as UploadsService from "../../UploadsService.js"
import type { State, StoredUpload } from "./state.js"
import { commit, findCall, once } from "./state.js"

interface Memory {
  readonly ref: Ref.Ref<State>
  readonly limits: Limits
}

const noBytes = ByteSize.make(0)

const noParts = { parts: Chunk.empty(), receivedBytes: noBytes }

/** The idempotency key of the current call, and its time. */
const currentCall = Effect.zipWith(IdempotencyKey, DateTime.now, (key, now) => ({ key, now }))

const encodeCreate = Schema.encodeSync(Schema.parseJson(CreateUpload.CreateUpload))
const encodeComplete = Schema.encodeSync(Schema.parseJson(CompleteUpload.CompleteUpload))

/** The digest of a request. It tells whether two requests with the same key are equal. */
const digest = (parts: string | ReadonlyArray<string | Uint8Array>): string => {
  const hash = md5.create()
  for (const part of parts) hash.update(part)
  return hash.hex()
}

const verify = (
  uploadId: UploadId,
  chunks: ReadonlyArray<Uint8Array>,
  expected: Md5
): Either.Either<void, ChecksumMismatch> => {
  const actual = digest(chunks)
  return actual === expected ? Either.void : Either.left(new ChecksumMismatch({ uploadId, expected, actual }))
}

const findPending = (state: State, uploadId: UploadId, now: DateTime.Utc) =>
  Upload.findPending(HashMap.get(state.uploads, uploadId), uploadId, now)

/** The limit for the bytes of the next part. Fails if a part of the declared size cannot fit, so that it is not read. */
const limitOf = (
  state: State,
  limits: Limits,
  uploadId: UploadId,
  now: DateTime.Utc,
  declared: Option.Option<ByteSize>
) =>
  Either.flatMap(
    findPending(state, uploadId, now),
    ({ parts, receivedBytes, upload }) =>
      UploadParts.checkCount(parts.length, limits).pipe(
        Either.flatMap(() =>
          UploadParts.checkFits(upload, receivedBytes, Option.getOrElse(declared, () => noBytes), limits)
        ),
        Either.map(() => UploadParts.nextPartLimit(upload, receivedBytes, limits))
      )
  )

const put = (state: State, stored: StoredUpload): State => ({
  ...state,
  uploads: HashMap.set(state.uploads, stored.upload.id, stored)
})

const create = ({ limits, ref }: Memory) =>
  Effect.fn("UploadsService.create")(function*(request: CreateUpload.CreateUpload) {
    yield* Effect.annotateCurrentSpan({ bytes: request.bytes })
    const accepted = yield* CreateUpload.accept(request, limits)
    const upload = Upload.create(accepted, {
      id: yield* randomUploadId,
      createdAt: yield* Timestamp.now,
      lifetime: limits.uploadLifetime
    })
    const created = yield* commit(
      ref,
      once(
        { operation: IdempotencyRecord.create, request: digest(encodeCreate(request)) },
        yield* currentCall,
        (state) =>
          Either.right([upload, {
            ...put(state, { sequence: state.sequence, upload, expiresAfter: accepted.fileLifetime, ...noParts }),
            sequence: state.sequence + 1
          }])
      )
    )
    yield* Effect.annotateCurrentSpan({ uploadId: created.id })
    return created
  })

const addPart = ({ limits, ref }: Memory) =>
  Effect.fn("UploadsService.addPart")(function*(uploadId: UploadId, data: PartData.PartData) {
    yield* Effect.annotateCurrentSpan({ uploadId })
    const declared = yield* PartData.validate(data, { uploadId, limit: limits.partBytes })
    const state = yield* Ref.get(ref)
    // The part of a repeated call is stored already, whatever became of the Upload. It is read to be compared.
    const limit = Option.isSome(findCall(state, yield* currentCall))
      ? { bytes: limits.partBytes, error: () => new PartTooLarge({ uploadId, limit: limits.partBytes }) }
      : yield* limitOf(state, limits, uploadId, yield* DateTime.now, declared)
    const chunks = yield* PartData.collect(data, { limit: limit.bytes, tooLarge: limit.error })
    // Copied: the caller may reuse its buffer.
    const copies = data instanceof Uint8Array ? [new Uint8Array(data)] : chunks
    const part = new UploadPart({ id: yield* randomPartId, createdAt: yield* Timestamp.now, uploadId })
    const bytes = ByteSize.make(totalBytes(copies))
    const call = yield* currentCall
    const added = yield* commit(
      ref,
      once(
        {
          operation: IdempotencyRecord.addPart,
          request: Option.isSome(call.key) ? digest([uploadId, ...copies]) : ""
        },
        call,
        (state) =>
          Either.flatMap(findPending(state, uploadId, call.now), (stored) =>
            Either.map(
              Either.flatMap(
                // Checked again, because other parts may have arrived in the meantime.
                UploadParts.checkCount(stored.parts.length, limits),
                () => UploadParts.checkFits(stored.upload, stored.receivedBytes, bytes, limits)
              ),
              (receivedBytes) => {
                const parts = Chunk.append(stored.parts, { part, chunks: copies, bytes })
                return [part, put(state, { ...stored, parts, receivedBytes })] as const
              }
            ))
      )
    )
    yield* Effect.annotateCurrentSpan({ partId: added.id, bytes })
    return added
  })

const complete = ({ limits, ref }: Memory) =>
  Effect.fn("UploadsService.complete")(function*(uploadId: UploadId, request: CompleteUpload.CompleteUpload) {
    yield* Effect.annotateCurrentSpan({ uploadId, parts: request.partIds.length })
    const valid = yield* CompleteUpload.validate(request, limits)
    const fileId = yield* randomFileId
    const call = yield* currentCall
    const completed = yield* commit(
      ref,
      once(
        { operation: IdempotencyRecord.complete, request: digest([uploadId, encodeComplete(valid)]) },
        call,
        (state) =>
          Either.gen(function*() {
            const stored = yield* findPending(state, uploadId, call.now)
            const parts = yield* UploadParts.orderParts(
              stored.upload,
              Chunk.toReadonlyArray(stored.parts),
              valid.partIds
            )
            const chunks = parts.flatMap((part) => part.chunks)
            if (valid.md5 !== undefined) yield* verify(uploadId, chunks, valid.md5)
            const file = UploadParts.toFile(stored.upload, { id: fileId, expiresAfter: stored.expiresAfter })
            const upload = Upload.complete(stored.upload, file)
            return [upload, {
              ...put(state, { ...stored, upload, ...noParts }),
              sequence: state.sequence + 1,
              files: HashMap.set(state.files, fileId, { sequence: state.sequence, file, chunks })
            }] as const
          })
      )
    )
    yield* Effect.annotateCurrentSpan({ fileId: completed.file.id, bytes: completed.bytes })
    return completed
  })

const cancel = ({ ref }: Memory) =>
  Effect.fn("UploadsService.cancel")(function*(uploadId: UploadId) {
    yield* Effect.annotateCurrentSpan({ uploadId })
    const call = yield* currentCall
    return yield* commit(
      ref,
      once(
        { operation: IdempotencyRecord.cancel, request: uploadId },
        call,
        (state) =>
          Either.map(findPending(state, uploadId, call.now), (stored) => {
            const upload = Upload.cancel(stored.upload)
            return [upload, put(state, { ...stored, upload, ...noParts })] as const
          })
      )
    )
  })

/** The service over a state. `commit` checks each command against the state that it changes. */
export const make = (ref: Ref.Ref<State>, limits: Limits): UploadsService.Service => {
  const memory: Memory = { ref, limits }
  return { create: create(memory), addPart: addPart(memory), complete: complete(memory), cancel: cancel(memory) }
}
