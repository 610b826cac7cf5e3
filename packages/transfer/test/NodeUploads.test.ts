import { FileId } from "@effect-uploads/domain/Ids"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import { FileAccess } from "@effect-uploads/transfer/FileAccess"
import { Md5Hasher } from "@effect-uploads/transfer/Md5Hasher"
import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpClient from "@effect/platform/HttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import type { Socket } from "node:net"
import { bytesOf, md5Of, written } from "./fixtures.js"

/** The routes over the service in memory, and what its clients do. */
const serve = Effect.gen(function*() {
  const sockets = new Set<Socket>()
  const received = { connections: 0, keys: new Set<string | undefined>(), lengths: new Array<string | undefined>() }
  const server = createServer((request) => {
    received.keys.add(request.headers.authorization)
    if (request.url?.endsWith("/parts") === true) received.lengths.push(request.headers["content-length"])
  })
  server.on("connection", (socket) => {
    received.connections++
    sockets.add(socket.on("close", () => sockets.delete(socket)))
  })
  const memory = yield* Layer.build(Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest))
  yield* HttpApiBuilder.serve().pipe(
    Layer.provide(UploadsRoutes.layer),
    Layer.provide(Layer.succeedContext(memory)),
    Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" })),
    Layer.build
  )
  const address = server.address()
  const port = address !== null && typeof address === "object" ? address.port : 0
  const closed = Effect.async<void>((resume) => {
    const check = () => sockets.size === 0 ? resume(Effect.void) : setImmediate(check)
    check()
  })
  return { apiUrl: `http://127.0.0.1:${port}`, closed, received }
})

const options = { purpose: "user_data", partSize: 1_000_000, concurrency: 4 } as const

describe("NodeUploads", () => {
  it.scopedLive("a file is sent in parts and read back with one layer", () =>
    Effect.gen(function*() {
      const { apiUrl, received } = yield* serve
      const data = bytesOf(3_500_000)
      yield* Effect.gen(function*() {
        const path = yield* written(data)
        const { file } = yield* Transfer.file(path, options)
        const files = yield* FilesService
        const read = yield* Stream.runCollect(files.content(file.id))
        expect(md5Of(Buffer.concat([...read]))).toBe(md5Of(data))
      }).pipe(Effect.provide(NodeUploads.layer({ apiUrl, apiKey: Redacted.make("sk-test-not-a-real-key") })))
      expect([...received.keys]).toEqual(["Bearer sk-test-not-a-real-key"])
      expect(received.lengths).toHaveLength(4)
      expect(received.lengths).not.toContain(undefined)
    }))

  it.scopedLive("both clients and the HttpClient of the context share connections, which close with the layer", () =>
    Effect.gen(function*() {
      const { apiUrl, closed, received } = yield* serve
      yield* Effect.gen(function*() {
        const uploads = yield* UploadsService
        const files = yield* FilesService
        const http = yield* HttpClient.HttpClient
        for (let round = 0; round < 5; round++) {
          const { id } = yield* uploads.create({
            filename: "a",
            bytes: 1,
            purpose: "user_data",
            mimeType: "text/plain"
          })
          yield* uploads.addPart(id, new Uint8Array(1))
          yield* uploads.cancel(id)
          yield* Effect.flip(files.retrieve(FileId.make("file-missing")))
          yield* Effect.flatMap(http.get(`${apiUrl}/files`), ({ text }) => text)
        }
      }).pipe(Effect.provide(NodeUploads.layer({ apiUrl })))
      expect(received.connections).toBe(1)
      yield* closed
    }))

  it.scopedLive("files are hashed from their path, and pipes are read", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* fs.makeTempFileScoped()
      expect(Option.isSome(yield* (yield* FileAccess).changedAt(path))).toBe(true)
      expect((yield* Md5Hasher).file).toBeDefined()
    }).pipe(Effect.provide(NodeUploads.layer({}))))

  it.scopedLive("layerConfig reads the configuration, and fails where there is no key", () =>
    Effect.gen(function*() {
      const { apiUrl, received } = yield* serve
      const retrieve = Effect.flatMap(FilesService, (files) => files.retrieve(FileId.make("file-missing")))
      const withVariables = (variables: Record<string, string>) =>
        Effect.flip(Effect.provide(retrieve, NodeUploads.layerConfig())).pipe(
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
        )
      expect(yield* withVariables({ OPENAI_API_KEY: "sk-test-from-config", OPENAI_BASE_URL: apiUrl })).toMatchObject({
        _tag: "FileNotFound"
      })
      expect([...received.keys]).toEqual(["Bearer sk-test-from-config"])
      expect(yield* withVariables({ OPENAI_BASE_URL: apiUrl })).toMatchObject({ _op: "MissingData" })
    }))
})
