/**
 * The request that sends a whole file at once, for the routes. A client of this package sends a file as an Upload, which has
 * none of its limits and can go on where it broke.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import * as Context from "effect/Context"
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
