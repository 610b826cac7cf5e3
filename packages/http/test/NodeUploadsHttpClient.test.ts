import { UploadId } from "@effect-uploads/domain/Ids"
import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as PartData from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import type { IncomingMessage, RequestListener } from "node:http"

/** A server of a test's own, closed with its scope. */
const serve = (listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly close: () => void }>((resume) => {
      const server = createServer(listener).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = address !== null && typeof address === "object" ? address.port : 0
        resume(Effect.succeed({
          url: `http://127.0.0.1:${port}`,
          close: () => {
            server.closeAllConnections()
            server.close()
          }
        }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const client = NodeUploadsHttpClient.layer

const uploadId = UploadId.make("upload_1")

/** Adds a part of a file of so many bytes, and tells how many of them were read. */
const addFile = (apiUrl: string, bytes: number) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* fs.makeTempFileScoped()
    yield* fs.writeFile(path, new Uint8Array(bytes).fill(65))
    const uploads = yield* UploadsClient.make({ apiUrl, retryPolicy: RetryPolicy.none })
    let read = 0
    const part = PartData.withProgress(yield* PartData.file(path), (bytes) => {
      read += bytes
    })
    return { result: yield* Effect.either(uploads.addPart(uploadId, part)), read: () => read }
  }).pipe(Effect.provide(NodeFileSystem.layer))

const partResponse = JSON.stringify({ id: "part_1", object: "upload.part", created_at: 1, upload_id: uploadId })

describe("NodeUploadsHttpClient", () => {
  it.scopedLive("a part of a file has the same bytes on the wire as a stream, with Content-Length", () =>
    Effect.gen(function*() {
      let received = ""
      let length = ""
      const { url } = yield* serve((request, response) => {
        length = request.headers["content-length"] ?? "none"
        request.setEncoding("latin1").on("data", (text: string) => {
          received += text
        })
        request.on("end", () => response.end(partResponse))
      })
      const { read, result } = yield* addFile(url, 3_000_000)
      expect(result).toMatchObject({ right: { id: "part_1" } })
      expect(length).toBe(String(received.length))
      expect(received).toMatch(/^--(\w+)\r\n[^A]*\r\n\r\nA{3000000}\r\n--\1--\r\n$/)
      expect(read()).toBe(3_000_000)
    }).pipe(Effect.provide(client)))

  it.scopedLive("sending continues when the response begins before the request ends", () =>
    Effect.gen(function*() {
      let bytes = 0
      const { url } = yield* serve((request, response) => {
        response.writeHead(200).flushHeaders()
        request.on("data", (chunk: Uint8Array) => {
          bytes += chunk.length
        })
        request.on("end", () => response.end(partResponse))
      })
      const { result } = yield* addFile(url, 5_000_000)
      expect(result).toMatchObject({ right: { id: "part_1" } })
      expect(bytes).toBeGreaterThan(5_000_000)
    }).pipe(Effect.provide(client)))

  it.scopedLive("an error response that arrives before the request ends is received", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((_, response) => {
        response.writeHead(413).end("too large")
      })
      expect((yield* addFile(url, 50_000_000)).result).toMatchObject({ left: { _tag: "PartTooLarge" } })
    }).pipe(Effect.provide(client)))

  it.scopedLive("sending stops when the response ends before the request", () =>
    Effect.gen(function*() {
      const requests: Array<IncomingMessage> = []
      const { url } = yield* serve((request, response) => {
        requests.push(request)
        response.writeHead(413, { "content-length": 9 }).write("too large")
      })
      expect((yield* addFile(url, 50_000_000)).result).toMatchObject({ left: { _tag: "PartTooLarge" } })
      // Only now does the service read on.
      const complete = yield* Effect.async<boolean>((resume) => {
        for (const request of requests) {
          request.on("error", () => {}).on("close", () => resume(Effect.succeed(request.complete))).resume()
        }
      })
      expect(complete).toBe(false)
    }).pipe(Effect.provide(client)))

  it.scopedLive("a connection that breaks before or within the response gives TransportFailed", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((request, response) => {
        if (request.url?.startsWith("/within") === true) {
          response.writeHead(200, { "content-length": 100 }).write("{")
        }
        setImmediate(() => request.socket.destroy())
      })
      for (const path of ["before", "within"]) {
        expect((yield* addFile(`${url}/${path}`, 5_000_000)).result).toMatchObject({
          left: { _tag: "TransportFailed" }
        })
      }
    }).pipe(Effect.provide(client)))
})
