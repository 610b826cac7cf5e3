import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId } from "@effect-uploads/domain/Ids"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as filesPage from "../src/internal/routes/filesPage.js"
import { ListFilesResponse } from "../src/ListFiles.js"

const fileOf = (index: number, filename: string) =>
  Schema.decodeSync(FileObject)({
    id: `file-${index}`,
    object: "file",
    bytes: Number.MAX_SAFE_INTEGER,
    created_at: 253_402_300_799,
    expires_at: 253_402_300_799,
    filename,
    purpose: "fine-tune",
    status: "processed"
  })

/** A list of Files with the same name. It counts how many are pulled. */
const listOf = (count: number, filename: string) => {
  let pulled = 0
  const stream = Stream.fromIterable(Array.from({ length: count }, (_, index) => index)).pipe(
    Stream.rechunk(1),
    Stream.map((index) => {
      pulled++
      return fileOf(index, filename)
    })
  )
  return { list: () => stream, pulled: () => pulled }
}

const encode = Schema.encodeSync(ListFilesResponse)

describe("a page of a list", () => {
  it.effect("has up to 10,000 Files with names of a usual length", () =>
    Effect.gen(function*() {
      const { list } = listOf(10_001, "a name of forty characters, or nearly.md")
      const page = yield* filesPage.read(list, {})
      expect([page.data.length, page.hasMore, page.lastId]).toEqual([10_000, true, "file-9999"])
      const whole = yield* filesPage.read(listOf(10_000, "a").list, {})
      expect([whole.data.length, whole.hasMore]).toEqual([10_000, false])
    }))

  for (const [title, filename] of [["long", "n".repeat(4000)], ["escaped", "\u0001".repeat(4000)]] as const) {
    it.effect(`with ${title} names ends early, within 9 MiB of JSON, and tells that there are more`, () =>
      Effect.gen(function*() {
        const { list, pulled } = listOf(1000, filename)
        const page = yield* filesPage.read(list, {})
        expect(page.hasMore).toBe(true)
        expect(page.data.length).toBeGreaterThan(100)
        expect(page.data.length).toBeLessThan(1000)
        expect(pulled()).toBe(page.data.length + 1)
        expect(page.lastId).toBe(`file-${page.data.length - 1}`)
        expect(Buffer.byteLength(JSON.stringify(encode(page)))).toBeLessThan(9 * 1024 * 1024)
      }))
  }

  it.effect("has at least one File, however long its name is", () =>
    Effect.gen(function*() {
      const page = yield* filesPage.read(listOf(2, "n".repeat(10_000_000)).list, {})
      expect([page.data.length, page.hasMore]).toEqual([1, true])
    }))

  it.effect("is within `limit`, and tells whether there are more", () =>
    Effect.gen(function*() {
      for (const [count, limit, length, hasMore] of [[3, 2, 2, true], [2, 2, 2, false], [1, 2, 1, false]] as const) {
        const page = yield* filesPage.read(listOf(count, "a").list, { limit })
        expect([page.data.length, page.hasMore]).toEqual([length, hasMore])
        expect([page.firstId, page.lastId]).toEqual([FileId.make("file-0"), FileId.make(`file-${length - 1}`)])
      }
    }))

  it.effect("that is empty has the published strings as its ids", () =>
    Effect.gen(function*() {
      const page = yield* filesPage.read(listOf(0, "a").list, {})
      expect(encode(page)).toEqual({ object: "list", data: [], first_id: "", last_id: "", has_more: false })
    }))

  it.effect("has the same JSON however many slices it is encoded in, and lets other requests run in between", () =>
    Effect.gen(function*() {
      for (const files of [0, 1, 250, 251, 1001]) {
        const page = yield* filesPage.read(listOf(files, "\"a\u2028, ]}").list, { limit: 1000 })
        let turns = 0
        const count = (): NodeJS.Immediate => {
          turns++
          return other = setImmediate(count)
        }
        let other = setImmediate(count)
        const response = HttpServerResponse.toWeb(yield* filesPage.respond(page))
        clearImmediate(other)
        expect(response.headers.get("content-type")).toBe("application/json")
        expect(yield* Effect.promise(() => response.json())).toEqual(encode(page))
        expect(turns).toBeGreaterThanOrEqual(Math.ceil(page.data.length / 250) - 1)
      }
    }))
})
