/**
 * The limits of an Uploads service.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import { ByteSize } from "./ByteSize.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  /** The maximum size of a Part, in bytes. */
  readonly partBytes: ByteSize
  /** The maximum size of an Upload, in bytes. */
  readonly uploadBytes: ByteSize
  /**
   * How many parts of the maximum size a service stores beyond twice the declared size of an Upload. Parts that were sent
   * again need the room: the service may have stored a part whose response was lost.
   */
  readonly surplusParts: number
  /** The maximum number of Parts of an Upload. */
  readonly parts: number
  /** The time from the creation of an Upload to its expiry. */
  readonly uploadLifetime: Duration.Duration
}

/**
 * The limits that OpenAI documents: 64 MB for a Part, 8 GB for an Upload, and one hour from creation to expiry. The official
 * clients send parts of 67,108,864 bytes, so MB and GB are read as MiB and GiB. The four surplus parts are our own choice.
 *
 * OpenAI documents no number of Parts. 10,000 is the limit of S3 and its default here. With the full size of a Part, an Upload
 * has 128.
 *
 * @see https://platform.openai.com/docs/api-reference/uploads
 *
 * @since 0.1.0
 * @category configuration
 */
export const documented: Limits = {
  partBytes: ByteSize.make(64 * 1024 ** 2),
  uploadBytes: ByteSize.make(8 * 1024 ** 3),
  surplusParts: 4,
  parts: 10_000,
  uploadLifetime: Duration.hours(1)
}

/**
 * The limits that clients and services apply. The default is {@link documented}.
 *
 * @example
 * ```ts
 * import { ByteSize } from "@effect-uploads/domain/ByteSize"
 * import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
 * import * as Layer from "effect/Layer"
 *
 * export const smallParts = Layer.succeed(UploadLimits.UploadLimits, {
 *   ...UploadLimits.documented,
 *   partBytes: ByteSize.make(5 * 1024 ** 2)
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class UploadLimits extends Context.Reference<UploadLimits>()<"@effect-uploads/domain/UploadLimits", Limits>(
  "@effect-uploads/domain/UploadLimits",
  { defaultValue: () => documented }
) {}
