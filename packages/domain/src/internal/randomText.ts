import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** Random text of the given length, each character from the alphabet with equal probability. */
export const randomText = (alphabet: string, length: number): Effect.Effect<string> =>
  Effect.map(
    Effect.replicateEffect(Random.nextIntBetween(0, alphabet.length), length),
    (indices) => indices.map((index) => alphabet.charAt(index)).join("")
  )
