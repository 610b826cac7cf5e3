/**
 * The identifiers of the Uploads API.
 *
 * An id is an opaque, non-empty string. OpenAI's ids start with `upload_`, `part_` or `file-`, but those of compatible
 * services have other forms. Decoding keeps an id unchanged; a client percent-encodes it into a path.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SecureRandom } from "./SecureRandom.js"

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

/** Random bytes of {@link SecureRandom}. */
const randomBytes = (count: number): Effect.Effect<Uint8Array> =>
  Effect.flatMap(SecureRandom, (random) => random.bytes(count))

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/**
 * 128 random bits of `SecureRandom` as 32 hexadecimal digits. With so many bits a collision is not a practical concern.
 *
 * @example
 * ```ts
 * import { randomHexDigits } from "@effect-uploads/domain/Ids"
 * import * as Effect from "effect/Effect"
 *
 * export const idempotencyKey = Effect.map(randomHexDigits, (digits) => `job-${digits}`)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const randomHexDigits: Effect.Effect<string> = Effect.map(
  randomBytes(16),
  (bytes) => bytes.reduce((text, byte) => text + hexDigits[byte], "")
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/** Letters and digits. Each is a 32-bit number modulo 62, so the bias of a character is below 2^-25. */
const randomLetters = (length: number): Effect.Effect<string> =>
  Effect.map(randomBytes(4 * length), (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    return Array.from({ length }, (_, index) => alphabet.charAt(view.getUint32(4 * index) % alphabet.length)).join("")
  })

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
 * @example
 * ```ts
 * import { randomPartId } from "@effect-uploads/domain/Ids"
 * import * as Effect from "effect/Effect"
 *
 * export const logged = Effect.tap(randomPartId, (partId) => Effect.log(partId))
 * ```
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
 * @example
 * ```ts
 * import { randomFileId } from "@effect-uploads/domain/Ids"
 * import * as Effect from "effect/Effect"
 *
 * export const logged = Effect.tap(randomFileId, (fileId) => Effect.log(fileId))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const randomFileId: Effect.Effect<FileId> = Effect.map(
  randomLetters(22),
  (letters) => FileId.make(`file-${letters}`)
)
