/**
 * The request that sends a whole file at once, for the routes. A client of this package sends a file as an Upload, which has
 * none of its limits and can go on where it broke.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * The most bytes that a file may have: 512 MB as the summary of `createFile` in OpenAI's OpenAPI document says, read as MiB
 * like the limits of Uploads. A layer may provide another.
 *
 * @since 0.1.0
 * @category configuration
 */
export class MaximumFileBytes extends Context.Reference<MaximumFileBytes>()<
  "@effect-uploads/http/MaximumFileBytes",
  ByteSize
>("@effect-uploads/http/MaximumFileBytes", { defaultValue: () => ByteSize.make(512 * 1024 ** 2) }) {}

/**
 * How the names begin of the folders in {@link IncomingDirectory}.
 *
 * @since 0.1.0
 * @category constants
 */
export const incomingPrefix = "effect-uploads-"

/**
 * The folder in which a file is kept while it arrives: by default that of the system for temporary files. It has to be there,
 * and have room for the files. What a process leaves in it that is killed meanwhile is for the next one to remove.
 *
 * @since 0.1.0
 * @category configuration
 */
export class IncomingDirectory extends Context.Reference<IncomingDirectory>()<
  "@effect-uploads/http/IncomingDirectory",
  Option.Option<string>
>("@effect-uploads/http/IncomingDirectory", { defaultValue: Option.none }) {}

/**
 * The fields of its multipart/form-data. `expires_after` is sent as `expires_after[anchor]` and `expires_after[seconds]`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateFileRequest = Schema.Struct({
  file: Schema.String.annotations({ jsonSchema: { type: "string", format: "binary" } }),
  purpose: CreateUpload.fields.purpose,
  expiresAfter: CreateUpload.fields.expiresAfter
})
