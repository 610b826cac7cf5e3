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

/** The URL of the service, without user and password. Journals are kept for each service apart. */
export class ServiceUrl extends Context.Tag("@effect-uploads/cli/ServiceUrl")<ServiceUrl, string>() {}

export type BackendError = ConfigError.ConfigError | ApiKeyMissing | ConfigFileUnreadable

/** What a command calls. */
export type Services = UploadsService | FilesService | HttpClient.HttpClient | ServiceUrl

/** The services as a layer, which is built when a command needs them: `--help` needs no configuration. */
export class Backend extends Context.Tag("@effect-uploads/cli/Backend")<
  Backend,
  Layer.Layer<Services, BackendError, Environment | FileSystem.FileSystem | Path.Path>
>() {}

export const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Backend, (layer) => Effect.provide(effect, layer))
