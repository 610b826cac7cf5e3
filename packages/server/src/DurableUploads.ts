/**
 * A durable `UploadsService`: metadata in an `UploadRepository`, bytes in a `PartStorage`.
 *
 * The bytes of a part are durable before the part is recorded, and the part exists once it is recorded. A crash in between
 * leaves bytes without a recorded part, which the `Sweeper` removes.
 *
 * @since 0.1.0
 */
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import * as IdempotencyRecord from "@effect-uploads/domain/IdempotencyRecord"
import type { UploadId } from "@effect-uploads/domain/Ids"
import { randomFileId, randomPartId, randomUploadId } from "@effect-uploads/domain/Ids"
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { ChecksumMismatch, fromParseError, PartTooLarge } from "@effect-uploads/domain/UploadError"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as UploadParts from "@effect-uploads/domain/UploadParts"
import { atMost } from "@effect-uploads/http/ByteLimits"
import { IdempotencyKey } from "@effect-uploads/http/IdempotencyKey"
import * as PartData from "@effect-uploads/http/PartData"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as Checksum from "./internal/files/checksum.js"
import { bytesReceived } from "./internal/http/serverMetrics.js"
import * as partBytes from "./internal/partBytes.js"
import { checkCreate, checkStoredBytes } from "./internal/projectShare.js"
import * as unavailable from "./internal/unavailable.js"
import { Leases } from "./Leases.js"
import { PartStorage } from "./PartStorage.js"
import { CurrentProject, ProjectLimits } from "./Project.js"
import type { StoredPart } from "./UploadRepository.js"
import { Change, UploadRepository } from "./UploadRepository.js"

/** The response of an earlier call with the same idempotency key. The command changes nothing. */
class Replayed<A> extends Data.TaggedClass("Replayed")<{ readonly response: A }> {}

const toJson = <A, I>(schema: Schema.Schema<A, I>) => {
  const encode = Schema.encodeEither(Schema.parseJson(schema))
  return (request: A) => Effect.suspend(() => Either.mapLeft(encode(request), fromParseError))
}
const encodeCreate = toJson(CreateUpload.CreateUpload)
const encodeComplete = toJson(CompleteUpload.CompleteUpload)

/** The digest of a request. It tells whether two requests with the same key are equal. */
const digest = (...texts: ReadonlyArray<string>): string => createHash("sha256").update(texts.join("\n")).digest("hex")

/** A call that came with an idempotency key. */
interface KeyedCall<Record extends IdempotencyRecord.IdempotencyRecord> extends IdempotencyRecord.Call<Record> {
  readonly key: string
}

/** None for a call without a key, whose request needs no digest. */
const keyedCall = <Record extends IdempotencyRecord.IdempotencyRecord, E, R>(
  operation: IdempotencyRecord.Operation<Record>,
  request: Effect.Effect<string, E, R>
): Effect.Effect<Option.Option<KeyedCall<Record>>, E, R> =>
  Effect.flatMap(IdempotencyKey, (key) =>
    Option.isSome(key)
      ? Effect.map(request, (request) => Option.some({ key: key.value, operation, request }))
      : Effect.succeedNone)

const partDigest = (uploadId: UploadId, { bytes, checksum }: { readonly bytes: number; readonly checksum: string }) =>
  digest(uploadId, `${bytes}`, checksum)

/**
 * @example
 * ```ts
 * import * as DurableUploads from "@effect-uploads/server/DurableUploads"
 * import { CurrentProject, ProjectId } from "@effect-uploads/server/Project"
 * import * as Effect from "effect/Effect"
 *
 * const request = { filename: "train.jsonl", bytes: 12, purpose: "fine-tune", mimeType: "text/jsonl" }
 *
 * export const program = Effect.gen(function*() {
 *   const uploads = yield* DurableUploads.make
 *   return yield* uploads.create(request).pipe(Effect.provideService(CurrentProject, ProjectId.make("alpha")))
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.gen(function*() {
  const repository = yield* UploadRepository
  const storage = yield* PartStorage
  const leases = yield* Leases
  const limits = yield* UploadLimits
  const projectLimits = yield* ProjectLimits

  const findPending = (uploadId: UploadId) =>
    Effect.gen(function*() {
      const project = yield* CurrentProject
      const found = Upload.findPending(yield* repository.findUpload(project, uploadId), uploadId, yield* DateTime.now)
      if (Either.isRight(found) || found.left._tag !== "UploadExpired") return yield* found
      // A command that was decided in time may still be in the queue. Queued behind it, this read does not report an expired
      // Upload that is completed afterwards.
      return yield* repository.changeUpload(
        project,
        uploadId,
        (stored, now) => Either.flatMap(Upload.findPending(stored, uploadId, now), () => Either.left(found.left))
      )
    })

  /**
   * Runs a step that reads parts. The parts of a pending Upload are never deleted, so an error of the step counts if the Upload
   * is still pending afterwards. Otherwise the state of the Upload is the error.
   */
  const whilePending = <A, E, R>(uploadId: UploadId, step: Effect.Effect<A, E, R>) =>
    Effect.tapError(step, () => findPending(uploadId))

  const verify = (uploadId: UploadId, parts: ReadonlyArray<StoredPart>, expected: Md5) =>
    Effect.gen(function*() {
      yield* leases.acquire(uploadId)
      const hash = createHash("md5")
      yield* Stream.runForEach(
        partBytes.read(storage, Stream.fromIterable(parts)),
        (bytes) => Effect.sync(() => hash.update(bytes))
      )
      const actual = hash.digest("hex")
      if (actual !== expected) yield* new ChecksumMismatch({ uploadId, expected, actual })
    }).pipe(Effect.scoped, Effect.withSpan("UploadsService.verify"))

  /** Makes the change that `decide` returns, unless the idempotency key of the call stands for a call that was made before. */
  const changePending = <Record extends IdempotencyRecord.IdempotencyRecord, C extends Change, E>(
    uploadId: UploadId,
    call: Option.Option<KeyedCall<Record>>,
    responseOf: (change: C) => Record["response"],
    decide: (
      pending: Effect.Effect.Success<ReturnType<typeof findPending>>,
      projectBytes: number
    ) => Either.Either<C, E>
  ) =>
    Effect.gen(function*() {
      const change = yield* repository.changeUpload(
        yield* CurrentProject,
        uploadId,
        (stored, now, earlier, projectBytes) =>
          Either.gen(function*() {
            if (Option.isSome(earlier) && Option.isSome(call)) {
              const response = yield* IdempotencyRecord.replay(earlier.value, call.value)
              return yield* Either.left(new Replayed({ response }))
            }
            return yield* decide(yield* Upload.findPending(stored, uploadId, now), projectBytes)
          }),
        Option.getOrUndefined(Option.map(call, ({ key, operation, request }) => ({
          key,
          record: (change: C) => operation.make({ request, response: responseOf(change) })
        })))
      )
      return responseOf(change)
    })

  /** The response of an earlier call with the key of this one. */
  const findResponse = <Record extends IdempotencyRecord.IdempotencyRecord, E, R>(
    operation: IdempotencyRecord.Operation<Record>,
    request: Effect.Effect<string, E, R>
  ) =>
    Effect.gen(function*() {
      const key = yield* IdempotencyKey
      if (Option.isNone(key)) return Option.none<Record["response"]>()
      const earlier = yield* repository.findCall(yield* CurrentProject, key.value, yield* DateTime.now)
      if (Option.isNone(earlier)) return Option.none<Record["response"]>()
      return Option.some(yield* IdempotencyRecord.replay(earlier.value, { operation, request: yield* request }))
    })

  /** A part of a repeated call is stored already. It is read to be compared. */
  const readDigest = (uploadId: UploadId, data: PartData.PartData) =>
    Effect.gen(function*() {
      const checksum = Checksum.make()
      let bytes = 0
      const limit = limits.partBytes
      yield* Stream.runForEach(
        atMost(PartData.toStream(data), limit, () => new PartTooLarge({ uploadId, limit })),
        (chunk) =>
          Effect.sync(() => {
            bytes += chunk.byteLength
            checksum.update(chunk)
          })
      )
      return partDigest(uploadId, { bytes, checksum: checksum.digest() })
    })

  return UploadsService.of({
    create: Effect.fn("UploadsService.create")(function*(request) {
      yield* Effect.annotateCurrentSpan({ bytes: request.bytes })
      const accepted = yield* CreateUpload.accept(request, limits)
      const upload = Upload.create(accepted, {
        id: yield* randomUploadId,
        createdAt: yield* Timestamp.now,
        lifetime: limits.uploadLifetime
      })
      const call = yield* keyedCall(IdempotencyRecord.create, Effect.map(encodeCreate(request), (json) => digest(json)))
      const earlier = yield* repository.createUpload(
        {
          project: yield* CurrentProject,
          upload,
          mimeType: accepted.mimeType,
          expiresAfter: accepted.fileLifetime,
          receivedBytes: UploadParts.total([]),
          receivedParts: 0
        },
        Option.getOrUndefined(Option.map(call, ({ key, operation, request }) => ({
          key,
          record: operation.make({ request, response: upload })
        }))),
        (usage) => checkCreate(usage, upload.bytes, projectLimits)
      )
      const created = Option.isSome(earlier) && Option.isSome(call)
        ? yield* IdempotencyRecord.replay(earlier.value, call.value)
        : upload
      yield* Effect.annotateCurrentSpan({ uploadId: created.id })
      return created
    }, unavailable.effect),

    addPart: Effect.fn("UploadsService.addPart")(
      function*(uploadId, data) {
        yield* Effect.annotateCurrentSpan({ uploadId })
        const declared = yield* PartData.validate(data, { uploadId, limit: limits.partBytes })
        const earlier = yield* findResponse(IdempotencyRecord.addPart, readDigest(uploadId, data))
        if (Option.isSome(earlier)) return earlier.value
        const { receivedBytes, receivedParts, upload } = yield* findPending(uploadId)
        yield* UploadParts.checkCount(receivedParts, limits)
        // A part that cannot fit is not read at all.
        if (Option.isSome(declared)) yield* UploadParts.checkFits(upload, receivedBytes, declared.value, limits)
        const storedBytes = yield* repository.storedBytes(yield* CurrentProject)
        yield* checkStoredBytes(storedBytes, Option.getOrElse(declared, () => 1), projectLimits)
        const key = { uploadId, partId: yield* randomPartId }
        const limit = UploadParts.nextPartLimit(upload, receivedBytes, limits)
        const bytes = atMost(PartData.toStream(data), limit.bytes, limit.error)
        yield* leases.acquire(uploadId)
        const { part, written } = yield* Effect.uninterruptibleMask((restore) =>
          Effect.gen(function*() {
            const written = yield* restore(storage.write(key, bytes)).pipe(
              // The sweeper of another server may have removed the folder of an Upload that has ended.
              Effect.tapError((error) => error._tag === "StorageError" ? findPending(uploadId) : Effect.void)
            )
            const part = new UploadPart({ id: key.partId, createdAt: yield* Timestamp.now, uploadId })
            const added = yield* changePending(
              uploadId,
              yield* keyedCall(IdempotencyRecord.addPart, Effect.sync(() => partDigest(uploadId, written))),
              (change: ReturnType<typeof Change.PartAdded>) => change.part.part,
              ({ receivedBytes, receivedParts, upload }, projectBytes) =>
                Either.gen(function*() {
                  yield* UploadParts.checkCount(receivedParts, limits)
                  yield* UploadParts.checkFits(upload, receivedBytes, written.bytes, limits)
                  yield* checkStoredBytes(projectBytes, written.bytes, projectLimits)
                  return Change.PartAdded({ part: { part, ...written } })
                })
            ).pipe(
              // A failed repository may have recorded the part nevertheless.
              Effect.tapError((error) =>
                error._tag === "StorageError" ? Effect.void : Effect.ignore(storage.remove(key))
              ),
              Effect.catchTag("Replayed", ({ response }) => Effect.succeed(response))
            )
            return { part: added, written }
          })
        )
        yield* Effect.annotateCurrentSpan({ partId: part.id, bytes: written.bytes })
        yield* Metric.incrementBy(bytesReceived, written.bytes)
        return part
      },
      Effect.scoped,
      unavailable.effect
    ),

    complete: Effect.fn("UploadsService.complete")(function*(uploadId, request) {
      yield* Effect.annotateCurrentSpan({ uploadId, parts: request.partIds.length })
      const valid = yield* CompleteUpload.validate(request, limits)
      const { md5, partIds } = valid
      const requestDigest = Effect.map(encodeComplete(valid), (json) => digest(uploadId, json))
      const earlier = yield* findResponse(IdempotencyRecord.complete, requestDigest)
      if (Option.isSome(earlier)) return earlier.value
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
      const completed = yield* changePending(
        uploadId,
        yield* keyedCall(IdempotencyRecord.complete, requestDigest),
        (change: ReturnType<typeof Change.Completed>) => change.upload,
        ({ expiresAfter, upload }) =>
          Either.right(Change.Completed({
            upload: Upload.complete(upload, UploadParts.toFile(upload, { id, expiresAfter })),
            partIds
          }))
      ).pipe(Effect.catchTag("Replayed", ({ response }) => Effect.succeed(response)))
      yield* Effect.annotateCurrentSpan({ fileId: completed.file.id, bytes: completed.bytes })
      return completed
    }, unavailable.effect),

    cancel: Effect.fn("UploadsService.cancel")(function*(uploadId) {
      yield* Effect.annotateCurrentSpan({ uploadId })
      return yield* changePending(
        uploadId,
        yield* keyedCall(IdempotencyRecord.cancel, Effect.sync(() => digest(uploadId))),
        (change: ReturnType<typeof Change.Cancelled>) => change.upload,
        ({ upload }) => Either.right(Change.Cancelled({ upload: Upload.cancel(upload) }))
      ).pipe(Effect.catchTag("Replayed", ({ response }) => Effect.succeed(response)))
    }, unavailable.effect)
  })
})

/**
 * Applies the `UploadLimits` of the context. The project of each call is `CurrentProject`.
 *
 * @example
 * ```ts
 * import * as DurableUploads from "@effect-uploads/server/DurableUploads"
 * import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
 * import * as Leases from "@effect-uploads/server/Leases"
 * import * as SqliteClient from "@effect-uploads/server/SqliteClient"
 * import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
 * import * as Layer from "effect/Layer"
 *
 * const repository = Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename: "data/uploads.sqlite" }))
 * const storage = FilePartStorage.layer({ directory: "data/parts" })
 *
 * export const layer = Layer.provide(DurableUploads.layer, [repository, storage, Leases.layer])
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<UploadsService, never, UploadRepository | PartStorage | Leases> = Layer.effect(
  UploadsService,
  make
)
