/**
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A number of bytes: a non-negative safe integer. The wire type of other SDKs is a 64-bit integer; beyond
 * 2^53 - 1 a JavaScript number would be rounded, so such a value is refused.
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
