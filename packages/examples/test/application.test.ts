import { application } from "@effect-uploads/examples/application"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { createServer } from "node:http"

const loopback = NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })

const url = HttpServer.addressWith((address) =>
  Effect.succeed(address._tag === "TcpAddress" ? `http://127.0.0.1:${address.port}` : address.path)
)

/** Starts the application on a free port. It stops when the scope closes. */
const start = (config: Record<string, string>) =>
  Layer.build(
    application.pipe(
      Layer.provideMerge(loopback),
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(config)))))
    )
  ).pipe(Effect.flatMap((context) => Effect.provide(url, Context.pick(HttpServer.HttpServer)(context))))

const sendDataset = (apiUrl: string) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsClient.make({ apiUrl })
    const { id } = yield* uploads.create({
      filename: "a.jsonl",
      purpose: "fine-tune",
      bytes: 3,
      mimeType: "text/jsonl"
    })
    const part = yield* uploads.addPart(id, new Uint8Array(3))
    return yield* uploads.complete(id, { partIds: [part.id] })
  })

const summary = (server: string) =>
  HttpClient.get(`${server}/datasets`).pipe(Effect.flatMap((response) => response.json))

it.scoped("serves its own endpoints and the Uploads API from the same store", () =>
  Effect.gen(function*() {
    const server = yield* start({})
    yield* sendDataset(`${server}/v1`)
    expect(yield* summary(server)).toEqual({ files: 1, bytes: 3 })
  }).pipe(Effect.provide(NodeHttpClient.layerUndici)))

it.scoped("forwards to a remote service if it is configured so", () =>
  Effect.gen(function*() {
    const remote = yield* start({})
    const gateway = yield* start({
      UPLOADS_BACKEND: "remote",
      OPENAI_BASE_URL: `${remote}/v1`,
      OPENAI_API_KEY: "not-a-real-key"
    })
    yield* sendDataset(`${gateway}/v1`)
    expect(yield* summary(gateway)).toEqual({ files: 1, bytes: 3 })
    expect(yield* summary(remote)).toEqual({ files: 1, bytes: 3 })
  }).pipe(Effect.provide(NodeHttpClient.layerUndici)))

it.scoped("fails to start with an unknown UPLOADS_BACKEND", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(start({ UPLOADS_BACKEND: "cloud" }))
    expect(String(error)).toContain("UPLOADS_BACKEND")
  }))

it.scoped("sends its spans to the configured collector", () =>
  Effect.gen(function*() {
    const received = yield* Ref.make("")
    const collector = HttpServer.serve(
      HttpRouter.empty.pipe(
        HttpRouter.post(
          "/v1/traces",
          HttpServerRequest.HttpServerRequest.pipe(
            Effect.flatMap((request) => request.text),
            Effect.tap((text) => Ref.update(received, (all) => all + text)),
            Effect.as(HttpServerResponse.empty())
          )
        )
      )
    )
    const context = yield* Layer.build(Layer.provideMerge(collector, loopback))
    const endpoint = yield* Effect.provide(url, Context.pick(HttpServer.HttpServer)(context))
    // The spans are flushed when the application stops.
    yield* Effect.scoped(
      Effect.flatMap(start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }), (server) => sendDataset(`${server}/v1`))
    )
    const spans = yield* Ref.get(received)
    for (const name of ["UploadsService.create", "UploadsService.addPart", "UploadsService.complete"]) {
      expect(spans).toContain(name)
    }
  }).pipe(Effect.provide(NodeHttpClient.layerUndici)))
