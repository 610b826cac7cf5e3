import type { FileObject } from "@effect-uploads/domain/FileObject"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as FilesService from "../../FilesService.js"
import * as ListFiles from "../../ListFiles.js"

/** The most bytes of a page, apart from its last File. It has room for 10,000 Files with names of a usual length. */
const maximumBytes = 8 * 1024 * 1024

/** No File has more bytes in JSON: 256 for keys, numbers and dates, and six for each UTF-16 unit of its texts. */
const maximumBytesOf = ({ filename, id, purpose, statusDetails }: FileObject): number =>
  256 + 6 * (filename.length + id.length + purpose.length + Option.getOrElse(statusDetails, () => "").length)

/**
 * Reads one page of a list. It asks for one File more than the page shows, to tell whether another page follows. A page whose
 * Files have long names ends before `limit`, with `hasMore: true`.
 */
export const read = (
  list: FilesService.Service["list"],
  request: ListFiles.ListFiles
): Effect.Effect<ListFiles.ListFilesResponse, FilesService.ListError> => {
  const limit = request.limit ?? ListFiles.maximumLimit
  return Effect.suspend(() => {
    const data: Array<FileObject> = []
    let bytes = 0
    let hasMore = false
    return list({ ...request, limit: Math.min(limit + 1, ListFiles.maximumLimit) }).pipe(
      Stream.runForEachWhile((file) =>
        Effect.sync(() => {
          hasMore = data.length === limit || bytes > maximumBytes
          if (hasMore) return false
          data.push(file)
          bytes += maximumBytesOf(file)
          return true
        })
      ),
      Effect.map(() =>
        new ListFiles.ListFilesResponse({
          data,
          // Published as required strings, also where the list is empty.
          firstId: Option.match(Arr.head(data), { onNone: () => "", onSome: ({ id }) => id }),
          lastId: Option.match(Arr.last(data), { onNone: () => "", onSome: ({ id }) => id }),
          hasMore
        })
      )
    )
  })
}
