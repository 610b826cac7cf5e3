import type { FilesService } from "@effect-uploads/http/FilesService"
import type { UploadsService } from "@effect-uploads/http/UploadsService"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Path from "@effect/platform/Path"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { ApiKeyMissing, ConfigFileUnreadable } from "./CliError.js"
import type { Environment } from "./Environment.js"

/** The URL of the service, without user and password. Each service has its own journals. */
export class ServiceUrl extends Context.Tag("@effect-uploads/cli/ServiceUrl")<ServiceUrl, string>() {}

export type BackendError = ConfigError.ConfigError | ApiKeyMissing | ConfigFileUnreadable

/** The services that the commands call. */
export type Services = UploadsService | FilesService | HttpClient.HttpClient | ServiceUrl

/** The layer of the services. A command builds it when it runs, because `--help` needs no configuration. */
export class Backend extends Context.Tag("@effect-uploads/cli/Backend")<
  Backend,
  Layer.Layer<Services, BackendError, Environment | FileSystem.FileSystem | Path.Path>
>() {}

export const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Backend, (layer) => Effect.provide(effect, layer))
