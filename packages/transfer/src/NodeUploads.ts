/**
 * All that a program on Node needs to send and read files, in one layer: the fast form of each part.
 *
 * - `UploadsService` and `FilesService` as clients of the OpenAI API, or of another service with the same API.
 * - One `HttpClient` for both. It keeps its connections open between requests, and reads parts of files into the socket.
 * - `FileSystem`, and the {@link NodeFileAccess} that reads pipes and notices every change of a file during a transfer.
 * - The md5 of a file is computed on a thread of its own.
 *
 * The layer is made of public ones. A program that needs others of them composes its own.
 *
 * @since 0.1.0
 */
import type { ClientOptions, ClientOptionsConfig } from "@effect-uploads/http/ClientOptions"
import { fromConfig } from "@effect-uploads/http/ClientOptions"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import type { FilesService } from "@effect-uploads/http/FilesService"
import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import type { UploadsService } from "@effect-uploads/http/UploadsService"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { FileAccess } from "./FileAccess.js"
import type { Md5Hasher } from "./Md5Hasher.js"
import * as NodeFileAccess from "./NodeFileAccess.js"
import * as NodeMd5Hasher from "./NodeMd5Hasher.js"

/**
 * What the layers provide.
 *
 * @since 0.1.0
 * @category models
 */
export type Services =
  | UploadsService
  | FilesService
  | HttpClient.HttpClient
  | FileSystem.FileSystem
  | FileAccess
  | Md5Hasher

const platform = Layer.mergeAll(
  NodeUploadsHttpClient.layer,
  NodeFileSystem.layer,
  NodeFileAccess.layer,
  NodeMd5Hasher.layer
)

/**
 * The services of a program on Node. An option that cannot be sent, such as a URL without a host, makes each call fail with
 * `InvalidRequest`.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Effect from "effect/Effect"
 *
 * // A server of this machine: `npx @effect-uploads/server`.
 * const uploads = NodeUploads.layer({ apiUrl: "http://127.0.0.1:4141/v1" })
 *
 * export const program = Transfer.file("data.bin", { purpose: "user_data" }).pipe(Effect.provide(uploads))
 * ```
 */
export const layer = (options: ClientOptions): Layer.Layer<Services> =>
  Layer.provideMerge(Layer.merge(UploadsClient.layer(options), FilesClient.layer(options)), platform)

/**
 * {@link layer} with key, URL, organization and project from configuration: `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
 * `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID`, unless `options` has another `Config` for a value. Fails with `ConfigError` if the
 * key is missing.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Transfer.file("data.bin", { purpose: "user_data" }).pipe(
 *   Effect.provide(NodeUploads.layerConfig())
 * )
 * ```
 */
export const layerConfig = (options?: ClientOptionsConfig): Layer.Layer<Services, ConfigError.ConfigError> =>
  Layer.unwrapEffect(Effect.map(fromConfig(options), layer))
