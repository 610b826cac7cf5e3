import { FileNotFound } from "@effect-uploads/domain/FileError"
import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import * as RequestText from "@effect-uploads/domain/RequestText"
import { UploadNotFound } from "@effect-uploads/domain/UploadError"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import { request } from "node:http"
import type { Both } from "./support/server.js"
import { hop, memory, served, testKey, url } from "./support/server.js"

/** Services that know no id, and keep those that they are asked for. */
const recording = (ids: Array<string>): Layer.Layer<Both> => {
  const uploadNotFound = (uploadId: UploadId) =>
    Effect.suspend(() => {
      ids.push(uploadId)
      return new UploadNotFound({ uploadId })
    })
  const fileNotFound = (fileId: FileId) =>
    Effect.suspend(() => {
      ids.push(fileId)
      return new FileNotFound({ fileId })
    })
  return Layer.merge(
    Layer.succeed(UploadsService.UploadsService, {
      create: () => Effect.dieMessage("no id is created"),
      addPart: uploadNotFound,
      complete: uploadNotFound,
      cancel: uploadNotFound
    }),
    Layer.succeed(FilesService.FilesService, {
      retrieve: fileNotFound,
      content: (fileId) => Stream.fromEffect(fileNotFound(fileId)),
      list: ({ after } = {}) => {
        if (after !== undefined) ids.push(after)
        return Stream.empty
      },
      delete: fileNotFound
    })
  )
}

/** The id as each operation sends it that has one in its URL. */
const everyOperation = (id: string) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService.UploadsService
    const files = yield* FilesService.FilesService
    const uploadId = UploadId.make(id)
    const fileId = FileId.make(id)
    expect(yield* Effect.flip(uploads.addPart(uploadId, new Uint8Array(1)))).toMatchObject({ uploadId })
    expect(yield* Effect.flip(uploads.complete(uploadId, { partIds: [] }))).toMatchObject({ uploadId })
    expect(yield* Effect.flip(uploads.cancel(uploadId))).toMatchObject({ uploadId })
    expect(yield* Effect.flip(files.retrieve(fileId))).toMatchObject({ fileId })
    expect(yield* Effect.flip(Stream.runDrain(files.content(fileId)))).toMatchObject({ fileId })
    expect(yield* Effect.flip(files.delete(fileId))).toMatchObject({ fileId })
    yield* Stream.runDrain(files.list({ after: fileId }))
  })

const operations = 7

const httpClients = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  "the Node client": NodeHttpClient.layer
}

/** Any id that a request may have. */
const ids = FastCheck.oneof(
  FastCheck.string({ unit: "binary", minLength: 1, maxLength: 20 }),
  FastCheck.array(
    FastCheck.constantFrom(
      ..."%/?#&=+:;@!'()* \\\"<>[]{}|^`~._-\u00a0\u2028\ufeff",
      "..",
      "%2e",
      "%2F",
      "%00",
      "%zz",
      "%25",
      "é",
      "e\u0301",
      "☃",
      "👩‍👩‍👧",
      "parts",
      "cancel"
    ),
    { minLength: 1, maxLength: 8 }
  ).map((fragments) => fragments.join(""))
).filter((id) => id !== "." && id !== ".." && RequestText.isValid(id, RequestText.maximumIdLength))

describe("ids in paths", () => {
  for (const [name, httpClient] of Object.entries(httpClients)) {
    describe(name, () => {
      it.effect("a/../b?x=1 reaches the server as that id", () => {
        const seen: Array<string> = []
        return Effect.gen(function*() {
          yield* everyOperation("a/../b?x=1")
          expect(seen).toEqual(Array.from({ length: operations }, () => "a/../b?x=1"))
        }).pipe(Effect.provide(hop(recording(seen), httpClient)))
      })

      it.effect("an id with a control character is rejected by the routes", () => {
        const seen: Array<string> = []
        return Effect.gen(function*() {
          const uploads = yield* UploadsService.UploadsService
          const files = yield* FilesService.FilesService
          for (const id of ["a\0b", "\t", "\r\n", "\x7f"]) {
            const [uploadId, fileId] = [UploadId.make(id), FileId.make(id)]
            const calls: ReadonlyArray<Effect.Effect<unknown, Error>> = [
              uploads.addPart(uploadId, new Uint8Array(1)),
              uploads.complete(uploadId, { partIds: [] }),
              uploads.cancel(uploadId),
              files.retrieve(fileId),
              Stream.runDrain(files.content(fileId)),
              files.delete(fileId),
              Stream.runDrain(files.list({ after: fileId }))
            ]
            const messages = yield* Effect.forEach(
              calls,
              (call) => Effect.map(Effect.flip(call), ({ message }) => message)
            )
            expect(messages.map((message) => /^Invalid `(\w+)`/.exec(message)?.[1])).toEqual([
              ...["upload_id", "upload_id", "upload_id"],
              ...["file_id", "file_id", "file_id"],
              "after"
            ])
          }
          expect(seen).toEqual([])
        }).pipe(Effect.provide(hop(recording(seen), httpClient)))
      })

      it.effect("any valid id reaches the service unchanged", () => {
        const seen: Array<string> = []
        return Effect.gen(function*() {
          const runtime = yield* Effect.runtime<Both>()
          yield* Effect.promise(() =>
            FastCheck.assert(
              FastCheck.asyncProperty(ids, async (id) => {
                seen.length = 0
                await Runtime.runPromise(runtime)(everyOperation(id))
                expect(seen).toEqual(Array.from({ length: operations }, () => id))
              }),
              { numRuns: 30 }
            )
          )
        }).pipe(Effect.provide(hop(recording(seen), httpClient)))
      }, 20_000)
    })
  }

  it.effect("an id that a URL cannot carry is rejected before any request", () => {
    const requests: Array<string> = []
    const httpClient = HttpClient.make((request) => {
      requests.push(request.url)
      return Effect.dieMessage("a request is sent")
    })
    const options = { apiKey: testKey }
    return Effect.gen(function*() {
      const uploads = yield* UploadsService.UploadsService
      const files = yield* FilesService.FilesService
      for (const id of [".", "..", "\ud83d", "\udcc4", "a\ud83d/b", "\udcc4\ud83d"]) {
        const uploadId = UploadId.make(id)
        const fileId = FileId.make(id)
        const rejected: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          uploads.addPart(uploadId, new Uint8Array(1)),
          uploads.complete(uploadId, { partIds: [] }),
          uploads.cancel(uploadId),
          files.retrieve(fileId),
          Stream.runDrain(files.content(fileId)),
          files.delete(fileId)
        ]
        for (const [index, effect] of rejected.entries()) {
          expect(yield* Effect.flip(effect)).toMatchObject({
            _tag: "InvalidRequest",
            field: index < 3 ? "upload_id" : "file_id"
          })
        }
      }
      expect(requests).toEqual([])
    }).pipe(
      Effect.provide(Layer.merge(UploadsClient.layer(options), FilesClient.layer(options))),
      Effect.provideService(HttpClient.HttpClient, httpClient)
    )
  })

  describe("a request target", () => {
    /** The status, the code and the message of the response to a target that is sent as it is. */
    const exchange = (method: string, path: string) =>
      Effect.flatMap(url, (url) =>
        Effect.async<Record<string, unknown>>((resume) => {
          request({ host: "127.0.0.1", port: new URL(url).port, method, path }, (response) => {
            let text = ""
            response.setEncoding("utf8").on("data", (chunk) => text += chunk)
            response.on("end", () => {
              const { code, message, param } = JSON.parse(text).error
              resume(Effect.succeed({ status: response.statusCode, code, message, param }))
            })
          }).end()
        }))
    const hop = served.pipe(Layer.provide(memory))

    it.effect("may have an id of 500 characters, and a longer one is named", () =>
      Effect.gen(function*() {
        for (const id of ["a".repeat(101), "a".repeat(500), encodeURIComponent("/☃".repeat(250))]) {
          expect(yield* exchange("POST", `/uploads/${id}/cancel`)).toMatchObject({
            status: 404,
            code: "upload_not_found"
          })
          expect(yield* exchange("GET", `/files/${id}`)).toMatchObject({ status: 404, code: "file_not_found" })
          expect(yield* exchange("PUT", `/files/${id}`)).toMatchObject({ status: 405, code: "method_not_allowed" })
        }
        expect(yield* exchange("POST", `/uploads/${"a".repeat(501)}/cancel`)).toMatchObject({
          status: 400,
          param: "upload_id"
        })
        expect(yield* exchange("GET", `/files/${"a".repeat(8000)}`)).toMatchObject({ status: 400, param: "file_id" })
      }).pipe(Effect.provide(hop)))

    it.effect("has the semicolons of its path in the path, and those of its query in the query", () =>
      Effect.gen(function*() {
        for (
          const [method, path] of [["GET", "/files;x=1"], ["PUT", "/files;x=1"], ["GET", "/files;?limit=1"]] as const
        ) {
          expect(yield* exchange(method, path)).toMatchObject({
            status: 404,
            message: `Invalid URL (${method} ${path.split("?")[0]})`
          })
        }
        expect(yield* exchange("GET", "/files/a;x=1")).toMatchObject({
          status: 404,
          message: expect.stringContaining("a;x=1")
        })
        expect(yield* exchange("GET", "/files?limit=1;x")).toMatchObject({ status: 400, param: "limit" })
      }).pipe(Effect.provide(hop)))

    it.effect("cannot have a fragment", () =>
      Effect.gen(function*() {
        for (const path of ["/files#x", "/files/a#x", "/files?limit=1#x", "/#"]) {
          expect(yield* exchange("GET", path)).toMatchObject({ status: 400, code: "invalid_target" })
        }
      }).pipe(Effect.provide(hop)))
  })

  it.effect("a path that is not valid UTF-8 gives 404, and the server goes on", () =>
    Effect.gen(function*() {
      const { port } = new URL(yield* url)
      const status = (method: string, path: string) =>
        Effect.async<number | undefined>((resume) => {
          request({ host: "127.0.0.1", port, method, path }, (response) => {
            response.resume()
            response.on("end", () => resume(Effect.succeed(response.statusCode)))
          }).end()
        })
      for (const id of ["%", "%zz", "%ff", "%c3%28", "%ED%A0%80", "%2e%2e", ".."]) {
        expect([id, yield* status("POST", `/uploads/${id}/cancel`)]).toEqual([id, 404])
        expect([id, yield* status("GET", `/files/${id}`)]).toEqual([id, 404])
      }
      expect(yield* status("GET", "/files")).toBe(200)
    }).pipe(Effect.provide(served.pipe(Layer.provide(memory)))))
})
