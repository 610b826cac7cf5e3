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
  /** The most bytes that a Part may have. */
  readonly partBytes: ByteSize
  /** The most bytes that an Upload may declare. */
  readonly uploadBytes: ByteSize
  /** How long an Upload stays pending before it expires. */
  readonly uploadLifetime: Duration.Duration
}

/**
 * What OpenAI documents: 64 MB a Part, 8 GB an Upload, one hour from creation to expiry. Official clients send
 * parts of 67,108,864 bytes, so the units are read as MiB and GiB.
 *
 * @since 0.1.0
 * @category configuration
 */
export const documented: Limits = {
  partBytes: ByteSize.make(64 * 1024 ** 2),
  uploadBytes: ByteSize.make(8 * 1024 ** 3),
  uploadLifetime: Duration.hours(1)
}

/**
 * The limits in force: the documented ones, unless a layer provides those of another service.
 *
 * @since 0.1.0
 * @category services
 */
export class UploadLimits extends Context.Reference<UploadLimits>()<"@effect-uploads/domain/UploadLimits", Limits>(
  "@effect-uploads/domain/UploadLimits",
  { defaultValue: () => documented }
) {}
