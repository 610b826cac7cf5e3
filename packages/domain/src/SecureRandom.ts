/**
 * Unpredictable randomness, for ids and multipart boundaries.
 *
 * Effect's `Random` is a seeded generator: a few of its values are enough to compute the others. An id of an Upload must not
 * be computable from another id.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"

/** Web Crypto, which Node 20, Deno, Bun, workers and browsers have as a global. */
declare const crypto: { readonly getRandomValues: (array: Uint8Array) => Uint8Array }

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** `count` random bytes, at most 65,536, which is the limit of Web Crypto. */
  readonly bytes: (count: number) => Effect.Effect<Uint8Array>
}

/** A call of Web Crypto takes as long for 4,096 bytes as for 16. */
const reserve = new Uint8Array(4096)
let reserved = 0

/** Takes bytes from the reserve. They are overwritten there, so that the memory holds no id that was made before. */
const take = (count: number): Uint8Array => {
  if (count > reserve.length) return randomBytes(new Uint8Array(count))
  if (count > reserved) {
    randomBytes(reserve)
    reserved = reserve.length
  }
  const end = reserved
  reserved -= count
  const bytes = reserve.slice(reserved, end)
  reserve.fill(0, reserved, end)
  return bytes
}

// eslint-disable-next-line no-restricted-properties -- This is the service that all other code uses instead.
const randomBytes = (bytes: Uint8Array): Uint8Array => crypto.getRandomValues(bytes)

/**
 * The cryptographic generator of the platform.
 *
 * @example
 * ```ts
 * import * as SecureRandom from "@effect-uploads/domain/SecureRandom"
 * import type * as Effect from "effect/Effect"
 *
 * export const sixteenBytes: Effect.Effect<Uint8Array> = SecureRandom.cryptographic.bytes(16)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const cryptographic: Service = { bytes: (count) => Effect.sync(() => take(count)) }

/**
 * The source of ids and multipart boundaries. The default is {@link cryptographic}.
 *
 * @since 0.1.0
 * @category services
 */
export class SecureRandom extends Context.Reference<SecureRandom>()<"@effect-uploads/domain/SecureRandom", Service>(
  "@effect-uploads/domain/SecureRandom",
  { defaultValue: () => cryptographic }
) {}

/**
 * A predictable source for tests: the same seed gives the same ids. Never use it in a service.
 *
 * @example
 * ```ts
 * import { randomUploadId } from "@effect-uploads/domain/Ids"
 * import * as SecureRandom from "@effect-uploads/domain/SecureRandom"
 * import * as Effect from "effect/Effect"
 *
 * export const alwaysTheSame = Effect.provide(randomUploadId, SecureRandom.layerTest("seed"))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTest = (seed: string): Layer.Layer<SecureRandom> =>
  Layer.sync(SecureRandom, () => {
    const random = Random.make(seed)
    return {
      bytes: (count) =>
        Effect.map(
          Effect.replicateEffect(random.nextIntBetween(0, 256), count),
          (bytes) => Uint8Array.from(bytes)
        )
    }
  })
