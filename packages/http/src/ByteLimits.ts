import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** Ends as the stream does, unless it has another number of bytes: fails then as soon as that is seen. */
export const exactLength = <E, R, E1>(
  stream: Stream.Stream<Uint8Array, E, R>,
  declared: number,
  mismatch: (actual: number) => E1
): Stream.Stream<Uint8Array, E | E1, R> =>
  Stream.suspend(() => {
    let actual = 0
    const failure = Effect.suspend(() => Effect.fail(mismatch(actual)))
    return stream.pipe(
      Stream.mapChunksEffect((chunk) => {
        actual = Chunk.reduce(chunk, actual, (sum, bytes) => sum + bytes.byteLength)
        return actual > declared ? failure : Effect.succeed(chunk)
      }),
      Stream.concat(Stream.execute(Effect.suspend(() => actual < declared ? failure : Effect.void)))
    )
  })
