import { FileNotFound } from "@effect-uploads/domain/FileError"
import type { FileId } from "@effect-uploads/domain/Ids"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as FileRange from "../../FileRange.js"
import type * as FilesService from "../../FilesService.js"
import * as ListFiles from "../../ListFiles.js"
import type { State } from "./state.js"
import { isAlive, living } from "./state.js"

export const make = (ref: Ref.Ref<State>): FilesService.Service => {
  const find = (fileId: FileId) =>
    Effect.zipWith(
      DateTime.now,
      Ref.get(ref),
      (now, { files }) =>
        HashMap.get(files, fileId).pipe(
          Option.filter((file) => isAlive(file, now)),
          Either.fromOption(() => new FileNotFound({ fileId }))
        )
    ).pipe(Effect.flatten)

  return {
    retrieve: Effect.fn("FilesService.retrieve")(function*(fileId) {
      yield* Effect.annotateCurrentSpan({ fileId })
      return (yield* find(fileId)).file
    }),

    content: (fileId, range) =>
      Stream.unwrap(Effect.gen(function*() {
        const bounds = yield* FileRange.validate(range)
        const { chunks, file } = yield* find(fileId)
        yield* Effect.annotateCurrentSpan({ bytes: FileRange.length(bounds, file.bytes) })
        return FileRange.slice(Stream.fromIterable(chunks), bounds)
      })).pipe(
        // Copied: a reader may write into its chunks.
        Stream.map((chunk) => new Uint8Array(chunk)),
        Stream.withSpan("FilesService.content", { attributes: { fileId } })
      ),

    list: (request = {}) =>
      Stream.unwrap(Effect.gen(function*() {
        const { after, order, purpose } = yield* ListFiles.validate(request)
        const oldestFirst = yield* living(ref)
        const files = (order === "asc" ? oldestFirst : Arr.reverse(oldestFirst))
          .map(({ file }) => file)
          .filter((file) => purpose === undefined || file.purpose === purpose)
        if (after === undefined) return Stream.fromIterable(files)
        const position = files.findIndex((file) => file.id === after)
        if (position < 0) {
          return yield* new InvalidRequest({ field: "after", problem: `there is no File ${after}` })
        }
        return Stream.fromIterable(files.slice(position + 1))
      })).pipe(Stream.withSpan("FilesService.list")),

    delete: Effect.fn("FilesService.delete")(function*(fileId) {
      yield* Effect.annotateCurrentSpan({ fileId })
      yield* find(fileId)
      yield* Ref.update(ref, (state) => ({ ...state, files: HashMap.remove(state.files, fileId) }))
    })
  }
}
