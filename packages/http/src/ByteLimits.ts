/**
 * Streams of bytes that are held to a length, and the length of bytes that are held.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/**
 * The number of bytes in all chunks together.
 *
 * @since 0.1.0
 * @category getters
 * @example
 * ```ts
 * import { totalBytes } from "@effect-uploads/http/ByteLimits"
 *
 * console.log(totalBytes([new Uint8Array(2), new Uint8Array(3)])) // 5
 * ```
 */
export const totalBytes = (chunks: Iterable<Uint8Array>): number => {
  let total = 0
  for (const chunk of chunks) total += chunk.byteLength
  return total
}

/**
 * Fails with `mismatch` unless the stream has exactly `bytes` bytes. A stream that is too long fails at the first chunk that
 * is beyond, and that chunk is not emitted. A stream that is too short fails at its end. `mismatch` receives the number of
 * bytes that were read until then.
 *
 * @since 0.1.0
 * @category combinators
 */
export const exactLength = <E, R, E1>(
  self: Stream.Stream<Uint8Array, E, R>,
  bytes: number,
  mismatch: (actual: number) => E1
): Stream.Stream<Uint8Array, E | E1, R> =>
  Stream.suspend(() => {
    let actual = 0
    const failure = Effect.suspend(() => Effect.fail(mismatch(actual)))
    return self.pipe(
      Stream.mapChunksEffect((chunk) => {
        actual += totalBytes(chunk)
        return actual > bytes ? failure : Effect.succeed(chunk)
      }),
      Stream.concat(Stream.execute(Effect.suspend(() => actual < bytes ? failure : Effect.void)))
    )
  })

/**
 * Fails with `tooFew` at the end of a stream that has fewer than `bytes` bytes. All its bytes are emitted before that.
 *
 * @since 0.1.0
 * @category combinators
 */
export const atLeast = <E, R, E1>(
  self: Stream.Stream<Uint8Array, E, R>,
  bytes: number,
  tooFew: () => E1
): Stream.Stream<Uint8Array, E | E1, R> =>
  Stream.suspend(() => {
    let actual = 0
    return self.pipe(
      Stream.mapChunks((chunk) => {
        actual += totalBytes(chunk)
        return chunk
      }),
      Stream.concat(Stream.suspend(() => actual < bytes ? Stream.failSync(tooFew) : Stream.empty))
    )
  })

/**
 * Fails with `tooMany` as soon as the stream has more than `bytes` bytes. The chunk that is beyond is not emitted, and
 * nothing is read after it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const atMost = <E, R, E1>(
  self: Stream.Stream<Uint8Array, E, R>,
  bytes: number,
  tooMany: () => E1
): Stream.Stream<Uint8Array, E | E1, R> =>
  Stream.suspend(() => {
    let actual = 0
    return Stream.mapChunksEffect(self, (chunk) => {
      actual += totalBytes(chunk)
      return actual > bytes ? Effect.failSync(tooMany) : Effect.succeed(chunk)
    })
  })
