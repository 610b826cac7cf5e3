import * as FileRange from "@effect-uploads/http/FileRange"
import { FilesService } from "@effect-uploads/http/FilesService"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Stream from "effect/Stream"
import { pattern } from "./support/contract.js"
import { fileId, over, respond, stubHttpClient } from "./support/stub.js"

const join = (chunks: Iterable<Uint8Array>) => Buffer.concat([...chunks])

describe("slice", () => {
  const chunks = FastCheck.array(FastCheck.uint8Array({ maxLength: 8 }), { maxLength: 8 })
  const number = FastCheck.option(FastCheck.nat(40), { nil: undefined })

  it("slice emits the bytes within the bounds as views, and no empty chunk", () => {
    FastCheck.assert(FastCheck.property(chunks, number, number, (chunks, offset, bytes) => {
      const bounds = Either.getOrThrow(FileRange.validate({ offset, bytes }))
      const all = join(chunks)
      const found = [...Effect.runSync(Stream.runCollect(FileRange.slice(Stream.fromIterable(chunks), bounds)))]
      expect(join(found).equals(all.subarray(offset, bytes === undefined ? undefined : (offset ?? 0) + bytes))).toBe(
        true
      )
      expect(join(found)).toHaveLength(FileRange.length(bounds, all.length))
      for (const slice of found) expect(chunks.map(({ buffer }) => buffer)).toContain(slice.buffer)
    }))
  })

  it.effect("slice stops reading at the end of the bounds, and always begins to read", () =>
    Effect.gen(function*() {
      const source = Stream.make(pattern(10), pattern(10)).pipe(Stream.rechunk(1), Stream.concat(Stream.die("read on")))
      expect(join(yield* Stream.runCollect(FileRange.slice(source, { start: 5, end: 20 })))).toHaveLength(15)
      expect(yield* Effect.flip(Stream.runDrain(FileRange.slice(Stream.fail("gone"), { start: 0, end: 0 })))).toBe(
        "gone"
      )
    }))
})

describe("FilesService.content with a range", () => {
  const data = pattern(100)

  interface StubResponse {
    readonly status: number
    readonly body: Uint8Array<ArrayBuffer>
    readonly headers?: Record<string, string>
  }

  /** The range of a File from a service with this response, and the request that it received. */
  const contentOf = (range: FileRange.FileRange | undefined, { body, headers, status }: StubResponse) => {
    const requests: Array<HttpClientRequest.HttpClientRequest> = []
    const client = stubHttpClient((request) =>
      Effect.sync(() => {
        requests.push(request)
        return respond(status, body, headers)
      })
    )
    return Effect.gen(function*() {
      const files = yield* FilesService
      const found = yield* Effect.either(
        Effect.map(Stream.runCollect(files.content(fileId, range)), Chunk.toReadonlyArray)
      )
      return { found: Either.map(found, join), sent: requests.map(({ headers }) => headers["range"]) }
    }).pipe(Effect.provide(over(client)))
  }

  const copy = (from: number, to?: number) => new Uint8Array(data.subarray(from, to))

  const given = (
    range: FileRange.FileRange | undefined,
    header: string | undefined,
    response: StubResponse,
    bytes: Uint8Array
  ) =>
    Effect.map(contentOf(range, response), ({ found, sent }) => {
      expect(sent).toEqual([header])
      expect(Either.getOrThrow(found).equals(bytes)).toBe(true)
    })

  const partial = (body: Uint8Array<ArrayBuffer>, contentRange: string): StubResponse => ({
    status: 206,
    body,
    headers: { "content-range": contentRange }
  })

  it.effect("content asks a service with ranges for the requested bytes alone", () =>
    Effect.gen(function*() {
      yield* given(undefined, undefined, { status: 200, body: copy(0) }, data)
      yield* given({ offset: 0 }, undefined, { status: 200, body: copy(0) }, data)
      yield* given({ offset: 7, bytes: 3 }, "bytes=7-9", partial(copy(7, 10), "bytes 7-9/100"), copy(7, 10))
      yield* given({ offset: 7 }, "bytes=7-", partial(copy(7), "Bytes 7-99/100 "), copy(7))
      yield* given({ offset: 90, bytes: 30 }, "bytes=90-119", partial(copy(90), "bytes 90-99/100"), copy(90))
      yield* given({ offset: 7, bytes: 3 }, "bytes=7-9", partial(copy(7, 10), "bytes 7-9/*"), copy(7, 10))
      yield* given({ offset: 7, bytes: 0 }, "bytes=7-7", partial(copy(7, 8), "bytes 7-7/100"), copy(7, 7))
    }))

  it.effect("content cuts a response that is longer than the requested range", () =>
    Effect.gen(function*() {
      yield* given({ offset: 7, bytes: 3 }, "bytes=7-9", { status: 200, body: copy(0) }, copy(7, 10))
      yield* given({ offset: 101 }, "bytes=101-", { status: 200, body: copy(0) }, copy(0, 0))
      yield* given({ offset: 7, bytes: 3 }, "bytes=7-9", partial(copy(7), "bytes 7-99/100"), copy(7, 10))
    }))

  it.effect("content is empty when the service responds 416 beyond the end of the File", () =>
    Effect.gen(function*() {
      const body = new Uint8Array(9)
      const total = (total: number) => ({ status: 416, body, headers: { "content-range": `bytes */${total}` } })
      yield* given({ offset: 100 }, "bytes=100-", total(100), copy(0, 0))
      yield* given({ bytes: 5 }, "bytes=0-4", total(0), copy(0, 0))
      yield* given({ offset: 101 }, "bytes=101-", { status: 416, body }, copy(0, 0))
      const { found } = yield* contentOf({ offset: 99 }, total(100))
      expect(Either.flip(found).pipe(Either.getOrThrow)).toMatchObject({ _tag: "ResponseMalformed" })
      const { found: all } = yield* contentOf(undefined, total(0))
      expect(Either.flip(all).pipe(Either.getOrThrow)).toMatchObject({ _tag: "ResponseMalformed" })
    }))

  it.effect("content fails with ResponseMalformed when the range is another one or too short", () =>
    Effect.gen(function*() {
      for (
        const contentRange of [
          "bytes 0-2/100",
          "bytes 8-10/100",
          "bytes 7-8/100",
          "lines 7-9/100",
          "bytes 7-9",
          "7-9/100",
          ""
        ]
      ) {
        const { found } = yield* contentOf({ offset: 7, bytes: 3 }, partial(copy(7, 10), contentRange))
        expect(Either.flip(found).pipe(Either.getOrThrow)).toMatchObject({
          _tag: "ResponseMalformed",
          problem: expect.stringContaining(contentRange),
          response: { status: 206 }
        })
      }
    }))

  it.effect("content fails where the body of a range has fewer or more bytes than its Content-Range", () =>
    Effect.gen(function*() {
      for (const [from, to] of [[7, 9], [7, 12], [7, 7]] as const) {
        const { found } = yield* contentOf({ offset: 7, bytes: 3 }, partial(copy(from, to), "bytes 7-9/100"))
        expect(Either.flip(found).pipe(Either.getOrThrow)).toMatchObject({
          _tag: "ResponseMalformed",
          problem: `the body has ${to - from} bytes, and 3 in its Content-Range header`
        })
      }
    }))

  it.effect.each([201, 202, 204])(
    "content fails at the status %i, which has no content of a File",
    (status) =>
      Effect.gen(function*() {
        const { found } = yield* contentOf(undefined, { status, body: copy(0) })
        expect(Either.flip(found).pipe(Either.getOrThrow)).toMatchObject({
          _tag: "ResponseMalformed",
          response: { status }
        })
      })
  )

  it.effect("content sends no request for a range that no File can have", () =>
    Effect.gen(function*() {
      const { found, sent } = yield* contentOf({ offset: -1 }, { status: 200, body: copy(0) })
      expect(sent).toEqual([])
      expect(Either.flip(found).pipe(Either.getOrThrow)).toMatchObject({ _tag: "InvalidRequest", field: "range" })
    }))
})
