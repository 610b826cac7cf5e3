/**
 * A durable `FilesService` on an `UploadRepository` and a `PartStorage`. A File is the ordered list of its parts.
 *
 * @since 0.1.0
 */
import { FileNotFound } from "@effect-uploads/domain/FileError"
import * as FileObject from "@effect-uploads/domain/FileObject"
import type { FileId } from "@effect-uploads/domain/Ids"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as FileRange from "@effect-uploads/http/FileRange"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as ListFiles from "@effect-uploads/http/ListFiles"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as partBytes from "./internal/partBytes.js"
import * as unavailable from "./internal/unavailable.js"
import { Leases } from "./Leases.js"
import { PartStorage } from "./PartStorage.js"
import { CurrentProject } from "./Project.js"
import type { StoredFile } from "./UploadRepository.js"
import { UploadRepository } from "./UploadRepository.js"

/** The maximum number of Files that are read from the database at once: so many take a few milliseconds to decode. */
const pageSize = 250

/**
 * @example
 * ```ts
 * import * as DurableFiles from "@effect-uploads/server/DurableFiles"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * export const count = Effect.flatMap(DurableFiles.make, (files) => Stream.runCount(files.list()))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.gen(function*() {
  const repository = yield* UploadRepository
  const storage = yield* PartStorage
  const leases = yield* Leases

  const findAlive = (fileId: FileId) =>
    Effect.gen(function*() {
      const stored = yield* repository.findFile(yield* CurrentProject, fileId)
      const now = yield* DateTime.now
      return Option.filter(stored, ({ file }) => !FileObject.hasExpired(file, now))
    })

  const find = (fileId: FileId) =>
    Effect.flatMap(findAlive(fileId), (found) => Effect.mapError(found, () => new FileNotFound({ fileId })))

  return FilesService.of({
    retrieve: Effect.fn("FilesService.retrieve")(function*(fileId) {
      yield* Effect.annotateCurrentSpan({ fileId })
      return (yield* find(fileId)).file
    }, unavailable.effect),

    content: (fileId, range) =>
      Stream.unwrapScoped(Effect.gen(function*() {
        const bounds = yield* FileRange.validate(range)
        const { file, uploadId } = yield* find(fileId)
        yield* Effect.annotateCurrentSpan({ bytes: file.bytes })
        yield* leases.acquire(uploadId)
        // Read again under the lease, because the File may have been deleted before.
        yield* find(fileId)
        return partBytes.read(storage, repository.partsOfFile(fileId), bounds)
      })).pipe(unavailable.stream, Stream.withSpan("FilesService.content", { attributes: { fileId } })),

    list: (request = {}) =>
      Stream.unwrap(Effect.gen(function*() {
        const { after, limit, order, purpose } = yield* ListFiles.validate(request)
        const project = yield* CurrentProject
        const position = (fileId: FileId) =>
          Effect.flatMap(findAlive(fileId), (found) =>
            Effect.mapError(found, () =>
              new InvalidRequest({ field: "after", problem: `there is no File ${fileId}` })))
        const page = (after: Option.Option<StoredFile>) =>
          Effect.gen(function*() {
            const files = yield* repository.listFiles(project, {
              now: yield* DateTime.now,
              order: order ?? "desc",
              purpose,
              after: Option.getOrUndefined(after),
              limit: Math.min(limit ?? pageSize, pageSize)
            })
            return [
              Chunk.unsafeFromArray(files.map(({ file }) =>
                file
              )),
              Option.map(Arr.last(files), Option.some)
            ] as const
          })
        return Stream.paginateChunkEffect(yield* Effect.transposeMapOption(Option.fromNullable(after), position), page)
      })).pipe(unavailable.stream, Stream.withSpan("FilesService.list")),

    delete: Effect.fn("FilesService.delete")(function*(fileId) {
      yield* Effect.annotateCurrentSpan({ fileId })
      const deleted = yield* repository.deleteFile(yield* CurrentProject, fileId, yield* DateTime.now)
      if (!deleted) yield* new FileNotFound({ fileId })
    }, unavailable.effect)
  })
})

/**
 * @example
 * ```ts
 * import * as DurableFiles from "@effect-uploads/server/DurableFiles"
 * import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
 * import * as Leases from "@effect-uploads/server/Leases"
 * import * as SqliteClient from "@effect-uploads/server/SqliteClient"
 * import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
 * import * as Layer from "effect/Layer"
 *
 * const repository = Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename: "data/uploads.sqlite" }))
 * const storage = FilePartStorage.layer({ directory: "data/parts" })
 *
 * export const layer = Layer.provide(DurableFiles.layer, [repository, storage, Leases.layer])
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<FilesService, never, UploadRepository | PartStorage | Leases> = Layer.effect(
  FilesService,
  make
)
