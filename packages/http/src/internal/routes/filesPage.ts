import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as FilesService from "../../FilesService.js"
import * as ListFiles from "../../ListFiles.js"

/** Reads one page of a list. It asks for one File more than the page shows, to tell whether another page follows. */
export const read = (
  list: FilesService.Service["list"],
  request: ListFiles.ListFiles
): Effect.Effect<ListFiles.ListFilesResponse, FilesService.ListError> => {
  const limit = request.limit ?? ListFiles.maximumLimit
  return list({ ...request, limit: Math.min(limit + 1, ListFiles.maximumLimit) }).pipe(
    Stream.take(limit + 1),
    Stream.runCollect,
    Effect.map((found) => {
      const data = Chunk.toReadonlyArray(Chunk.take(found, limit))
      return new ListFiles.ListFilesResponse({
        data,
        firstId: Option.getOrNull(Option.map(Arr.head(data), ({ id }) => id)),
        lastId: Option.getOrNull(Option.map(Arr.last(data), ({ id }) => id)),
        hasMore: found.length > limit
      })
    })
  )
}
