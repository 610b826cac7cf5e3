/**
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * An MD5 checksum as 32 hexadecimal digits. Decoding accepts upper and lower case. The decoded value and the encoded value
 * are lower case, so that equal checksums are equal strings.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Md5 = Schema.transform(
  Schema.String.annotations({ description: "an md5 checksum of 32 hexadecimal digits" }),
  Schema.String.pipe(
    Schema.pattern(/^[0-9a-f]{32}$/, { description: "an md5 checksum of 32 hexadecimal digits in lower case" })
  ),
  {
    strict: true,
    decode: (text) => text.toLowerCase(),
    encode: (md5) => md5
  }
)

/**
 * @since 0.1.0
 * @category models
 */
export type Md5 = typeof Md5.Type
