/**
 * The whole server as a layer: storage, services, routes and the socket.
 *
 * @since 0.1.0
 */
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServer from "@effect/platform/HttpServer"
import type { ServeError } from "@effect/platform/HttpServerError"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "node:path"
import * as ApiKeys from "./ApiKeys.js"
import * as Authentication from "./Authentication.js"
import * as DurableFiles from "./DurableFiles.js"
import * as DurableUploads from "./DurableUploads.js"
import * as FilePartStorage from "./FilePartStorage.js"
import * as IncomingFiles from "./internal/files/incomingFiles.js"
import * as abortOnStreamError from "./internal/http/abortOnStreamError.js"
import * as cors from "./internal/http/cors.js"
import * as expectations from "./internal/http/expectations.js"
import * as Health from "./internal/http/health.js"
import * as incomingBody from "./internal/http/incomingBody.js"
import * as HttpListener from "./internal/http/listener.js"
import { isLoopback } from "./internal/http/loopback.js"
import * as originGuard from "./internal/http/originGuard.js"
import * as pages from "./internal/http/pages.js"
import * as requestId from "./internal/http/requestId.js"
import * as requestLog from "./internal/http/requestLog.js"
import * as requestTarget from "./internal/http/requestTarget.js"
import * as ServerApi from "./internal/http/serverApi.js"
import * as serverMetrics from "./internal/http/serverMetrics.js"
import * as Database from "./internal/sql/database.js"
import * as Leases from "./Leases.js"
import { ProjectLimits } from "./Project.js"
import type { ServerConfig } from "./ServerConfig.js"
import * as SqlLeases from "./SqlLeases.js"
import * as SqlUploadRepository from "./SqlUploadRepository.js"
import type { StorageError } from "./StorageError.js"
import * as Sweeper from "./Sweeper.js"
import { UploadRepository } from "./UploadRepository.js"

/** The first middleware is the innermost. */
const middleware = ({ corsOrigins }: ServerConfig) =>
  HttpApiBuilder.middleware(Effect.map(ApiKeys.ApiKeys, (keys) => (app) =>
    app.pipe(
      incomingBody.makeMiddleware(),
      abortOnStreamError.middleware,
      expectations.middleware,
      serverMetrics.middleware,
      originGuard.middleware({ hasKeys: !keys.isOpen, corsOrigins }),
      requestTarget.middleware,
      cors.middleware(corsOrigins),
      requestLog.middleware,
      requestId.middleware
    ))).pipe(
      // Below the middleware, so that its responses have an id too.
      Layer.provide(UploadsRoutes.layerNotFound)
    )

/**
 * `UploadsService` and `FilesService` on a database and a folder, with their sweeper.
 *
 * @example
 * ```ts
 * import * as Server from "@effect-uploads/server/Server"
 * import { ServerConfig } from "@effect-uploads/server/ServerConfig"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * export const services = Layer.unwrapEffect(Effect.map(ServerConfig, Server.layerDurable))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDurable = (config: ServerConfig) => {
  const isExclusive = Option.isNone(config.databaseUrl)
  const leases = isExclusive ? Leases.layer : Layer.provide(SqlLeases.layer, SqlUploadRepository.layer)
  const stores = Layer.mergeAll(
    SqlUploadRepository.layer,
    FilePartStorage.layer({ directory: Path.join(config.dataDirectory, "parts") }),
    leases
  ).pipe(Layer.provide(Database.layer(config)))
  const sweeper = Sweeper.layer({
    interval: config.sweepInterval,
    scanInterval: "1 hour",
    retention: config.retention,
    // One process owns a SQLite database, and with it the folder.
    exclusive: isExclusive
  })
  return Layer.mergeAll(DurableUploads.layer, DurableFiles.layer, sweeper).pipe(
    Layer.provideMerge(stores),
    Layer.provide(Layer.succeed(UploadLimits, limitsOf(config))),
    Layer.provide(projectLimits(config))
  )
}

/** With PostgreSQL other servers may use the same data folder, so the temporary folder of the system is used. */
const incomingFiles = ({ dataDirectory, databaseUrl }: ServerConfig) =>
  Option.isNone(databaseUrl) ? IncomingFiles.layer(Path.resolve(dataDirectory, "incoming")) : Layer.empty

const limitsOf = ({ partBytes, surplusParts, uploadBytes, uploadLifetime, uploadParts }: ServerConfig) => ({
  partBytes,
  surplusParts,
  uploadBytes,
  parts: uploadParts,
  uploadLifetime
})

const projectLimits = ({ projectBytes, projectPendingUploads, projectRequests }: ServerConfig) =>
  Layer.succeed(ProjectLimits, {
    pendingUploads: projectPendingUploads,
    storedBytes: projectBytes,
    requestsInFlight: projectRequests
  })

/** Warns about projects without a key. Files that were made without keys belong to `default`, and need a key of that project. */
const warnOfHiddenProjects = ({ apiKeys }: ServerConfig, context: Context.Context<UploadRepository>) =>
  apiKeys.length === 0 ? Effect.void : Effect.flatMap(Context.get(context, UploadRepository).projects, (projects) => {
    const withKey = new Set(apiKeys.map(({ project }) => project))
    const hidden = projects.filter((project) => !withKey.has(project))
    return hidden.length === 0 ? Effect.void : Effect.logWarning(
      `No API key belongs to these projects, so their Uploads and Files are not found: ${hidden.join(", ")}. ` +
        "Add a key `project:key` to UPLOADS_API_KEYS to reach them"
    )
  })

/** Without keys every request is accepted, so the server listens on the loopback only. */
const apiKeys = (config: ServerConfig): Layer.Layer<ApiKeys.ApiKeys, ConfigError.ConfigError> => {
  const layer = ApiKeys.layer(config.apiKeys)
  if (config.apiKeys.length > 0) return layer
  return isLoopback(config.host)
    ? Layer.tap(
      layer,
      () => Effect.logWarning("No API keys are configured: every request from this machine is accepted")
    )
    : Layer.fail(
      ConfigError.MissingData(
        ["UPLOADS_API_KEYS"],
        `without keys the server listens on the loopback only, not on ${config.host}`
      )
    )
}

/**
 * Listens and serves. When it ends, it waits for the running requests. `HttpServer` has the address.
 *
 * @example
 * ```ts
 * import * as Server from "@effect-uploads/server/Server"
 * import { ServerConfig } from "@effect-uploads/server/ServerConfig"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * export const server = Effect.flatMap(ServerConfig, (config) => Layer.launch(Server.layer(config)))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  config: ServerConfig
): Layer.Layer<HttpServer.HttpServer, ConfigError.ConfigError | StorageError | ServeError> =>
  HttpListener.layerDrain(config.shutdownTimeout).pipe(
    Layer.provideMerge(
      HttpApiBuilder.serve().pipe(
        Layer.provide([
          middleware(config),
          Health.layer,
          pages.layer(config)
        ]),
        Layer.provide(ServerApi.layer),
        Layer.provide(Layer.provide(Authentication.layer, projectLimits(config))),
        Layer.provide(Layer.succeed(UploadLimits, limitsOf(config)))
      )
    ),
    Layer.provideMerge(HttpListener.layer(config)),
    Layer.provide(incomingFiles(config)),
    Layer.provide(Layer.tap(layerDurable(config), (context) => warnOfHiddenProjects(config, context))),
    Layer.provide(apiKeys(config))
  )
