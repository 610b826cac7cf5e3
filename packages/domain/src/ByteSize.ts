/**
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A number of bytes: an integer from 0 to 2^53 - 1.
 *
 * Other SDKs use a 64-bit integer. JavaScript would round a number above 2^53 - 1, so decoding rejects it.
 *
 * @example
 * ```ts
 * import { ByteSize } from "@effect-uploads/domain/ByteSize"
 *
 * export const partBytes = ByteSize.make(64 * 1024 ** 2)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const ByteSize = Schema.NonNegativeInt.pipe(
  Schema.brand("ByteSize"),
  Schema.annotations({ identifier: "ByteSize", description: "a number of bytes from 0 to 2^53 - 1" })
)

/**
 * @since 0.1.0
 * @category models
 */
export type ByteSize = typeof ByteSize.Type
