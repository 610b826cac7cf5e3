import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import type * as FilesService from "@effect-uploads/http/FilesService"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"

/** The URL of the server in the context. */
export const url: Effect.Effect<string, never, HttpServer.HttpServer> = HttpServer.addressWith((address) =>
  Effect.succeed(address._tag === "TcpAddress" ? `http://127.0.0.1:${address.port}` : address.path)
)

/** A server that listens on a free port of the loopback. */
export const loopback = NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" }).pipe(Layer.orDie)

/** The routes over the services in the context, on a server of their own. */
export const served = HttpApiBuilder.serve().pipe(
  Layer.provide(UploadsRoutes.layer),
  Layer.provideMerge(loopback)
)

export const testKey = Redacted.make("sk-test-not-a-real-key")

export type Both = UploadsService.UploadsService | FilesService.FilesService

export const memory: Layer.Layer<Both> = Layer.merge(UploadsMemory.layerMemory, FilesMemory.layerMemory)

/** Both services as clients of the server in the context. */
export const clients = (
  options?: Partial<ClientOptions>
): Layer.Layer<Both, never, HttpServer.HttpServer | HttpClient.HttpClient> =>
  Layer.unwrapEffect(Effect.map(url, (apiUrl) => {
    const all = { apiKey: testKey, apiUrl, ...options }
    return Layer.merge(UploadsClient.layer(all), FilesClient.layer(all))
  }))

/**
 * A hop: clients of the routes over what is behind. Each hop has a server of its own: one graph builds one reference once,
 * so that two hops would share a server, and a gateway be none.
 */
export const hop = (
  behind: Layer.Layer<Both>,
  httpClient: Layer.Layer<HttpClient.HttpClient>,
  options?: Partial<ClientOptions>
): Layer.Layer<Both> =>
  clients(options).pipe(
    Layer.provide(httpClient),
    Layer.provide(Layer.fresh(served).pipe(Layer.provide(behind)))
  )
