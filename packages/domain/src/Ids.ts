/**
 * The identifiers of the Uploads API.
 *
 * An id is an opaque, non-empty string. OpenAI's ids start with `upload_`, `part_` or `file-`, but those of compatible
 * services have other forms. Decoding keeps an id unchanged; a client percent-encodes it into a path.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { randomText } from "./internal/randomText.js"

/**
 * @since 0.1.0
 * @category schemas
 */
export const UploadId = Schema.NonEmptyString.pipe(
  Schema.brand("UploadId"),
  Schema.annotations({ identifier: "UploadId", description: "the non-empty identifier of an Upload" })
)

/**
 * @since 0.1.0
 * @category models
 */
export type UploadId = typeof UploadId.Type

/**
 * @since 0.1.0
 * @category schemas
 */
export const PartId = Schema.NonEmptyString.pipe(
  Schema.brand("PartId"),
  Schema.annotations({ identifier: "PartId", description: "the non-empty identifier of a Part" })
)

/**
 * @since 0.1.0
 * @category models
 */
export type PartId = typeof PartId.Type

/**
 * @since 0.1.0
 * @category schemas
 */
export const FileId = Schema.NonEmptyString.pipe(
  Schema.brand("FileId"),
  Schema.annotations({ identifier: "FileId", description: "the non-empty identifier of a File" })
)

/**
 * @since 0.1.0
 * @category models
 */
export type FileId = typeof FileId.Type

/**
 * 128 random bits as 32 hexadecimal digits. With so many bits a collision is not a practical concern.
 *
 * @since 0.1.0
 * @category constructors
 */
export const randomHexDigits: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 2 ** 32), 4),
  (words) => words.map((word) => word.toString(16).padStart(8, "0")).join("")
)

const letters = randomText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 22)

/**
 * A new id in OpenAI's form: `upload_` and 32 hexadecimal digits.
 *
 * @example
 * ```ts
 * import { randomUploadId } from "@effect-uploads/domain/Ids"
 * import * as Effect from "effect/Effect"
 *
 * export const logged = Effect.tap(randomUploadId, (uploadId) => Effect.log(uploadId))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const randomUploadId: Effect.Effect<UploadId> = Effect.map(
  randomHexDigits,
  (digits) => UploadId.make(`upload_${digits}`)
)

/**
 * A new id in OpenAI's form: `part_` and 32 hexadecimal digits.
 *
 * @since 0.1.0
 * @category constructors
 */
export const randomPartId: Effect.Effect<PartId> = Effect.map(
  randomHexDigits,
  (digits) => PartId.make(`part_${digits}`)
)

/**
 * A new id in OpenAI's form: `file-` and 22 letters or digits.
 *
 * @since 0.1.0
 * @category constructors
 */
export const randomFileId: Effect.Effect<FileId> = Effect.map(letters, (text) => FileId.make(`file-${text}`))
