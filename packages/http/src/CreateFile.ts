/**
 * The request `POST /files`, which sends a whole file at once. The routes serve it; a client of this package sends a file as an
 * Upload instead, which may be larger and can be resumed.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * The most bytes that a file may have, by default 512 MiB: the summary of `createFile` in OpenAI's OpenAPI document says
 * 512 MB, which is read as MiB like the limits of Uploads. A larger file is rejected with `InvalidRequest`.
 *
 * @example
 * ```ts
 * import { ByteSize } from "@effect-uploads/domain/ByteSize"
 * import { MaximumFileBytes } from "@effect-uploads/http/CreateFile"
 * import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
 * import * as Layer from "effect/Layer"
 *
 * export const layer = Layer.provide(UploadsRoutes.layer, Layer.succeed(MaximumFileBytes, ByteSize.make(10 * 1024 ** 2)))
 * ```
 *
 * @since 0.1.0
 * @category configuration
 */
export class MaximumFileBytes extends Context.Reference<MaximumFileBytes>()<
  "@effect-uploads/http/MaximumFileBytes",
  ByteSize
>("@effect-uploads/http/MaximumFileBytes", { defaultValue: () => ByteSize.make(512 * 1024 ** 2) }) {}

/**
 * The prefix of the names of the folders in {@link IncomingDirectory}.
 *
 * @since 0.1.0
 * @category constants
 */
export const incomingPrefix = "effect-uploads-"

/**
 * The folder in which a file is kept while it arrives, by default the system's folder for temporary files. It must exist and
 * have room for the files. A process that is killed leaves its files behind; the next process has to remove them.
 *
 * @since 0.1.0
 * @category configuration
 */
export class IncomingDirectory extends Context.Reference<IncomingDirectory>()<
  "@effect-uploads/http/IncomingDirectory",
  Option.Option<string>
>("@effect-uploads/http/IncomingDirectory", { defaultValue: Option.none }) {}

/**
 * The fields of the request's multipart/form-data body. `expires_after` is sent as `expires_after[anchor]` and `expires_after[seconds]`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateFileRequest = Schema.Struct({
  file: Schema.String.annotations({ jsonSchema: { type: "string", format: "binary" } }),
  purpose: CreateUpload.fields.purpose,
  expiresAfter: CreateUpload.fields.expiresAfter
})
