/** The routes over the in-memory service, without API keys, metrics, request ids or spans. */
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"

HttpApiBuilder.serve().pipe(
  Layer.provide(UploadsRoutes.layer),
  Layer.provide([UploadsMemory.layerMemory, FilesMemory.layerMemory]),
  Layer.merge(Layer.effectDiscard(HttpServer.addressFormattedWith(Console.log))),
  Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
  // No spans: this is the minimal server.
  HttpMiddleware.withTracerDisabledWhen(() => true),
  Layer.launch,
  Effect.withTracerEnabled(false),
  NodeRuntime.runMain
)
