import { FileObject } from "@effect-uploads/domain/FileObject"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as EventLoop from "../../EventLoop.js"
import type * as FilesService from "../../FilesService.js"
import * as ListFiles from "../../ListFiles.js"
import { concat } from "../bytes.js"

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

/** The number of Files that are encoded before other requests are served. */
const filesPerSlice = 250

const encodeFiles = Schema.encode(Schema.parseJson(Schema.Array(FileObject)))
const encodePage = Schema.encode(ListFiles.ListFilesResponse)
const encoder = new TextEncoder()

/** The elements of the JSON array of some Files, without the brackets around them. */
const encodeSlice = (files: ReadonlyArray<FileObject>) =>
  Effect.map(encodeFiles(files), (json) => encoder.encode(json.slice(1, -1)))

/**
 * Responds with a page. Its Files are encoded in slices, so that other requests get their turn: 10,000 Files take a tenth of a
 * second.
 */
export const respond = (page: ListFiles.ListFilesResponse): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.gen(function*() {
    const [first = [], ...rest] = Arr.chunksOf(page.data, filesPerSlice)
    const slices = [yield* encodeSlice(first)]
    for (const files of rest) {
      yield* EventLoop.nextTurn
      slices.push(encoder.encode(","), yield* encodeSlice(files))
    }
    const { data: _, ...others } = yield* encodePage(new ListFiles.ListFilesResponse({ ...page, data: [] }))
    const head = encoder.encode(`${JSON.stringify(others).slice(0, -1)},"data":[`)
    return HttpServerResponse.uint8Array(concat([head, ...slices, encoder.encode("]}")]), {
      contentType: "application/json"
    })
    // A page is made of valid Files, and `HttpApiBuilder` too takes a response that cannot be encoded for a defect.
  }).pipe(Effect.orDie)
