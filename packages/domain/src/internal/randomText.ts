import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export const randomText = (alphabet: string, length: number): Effect.Effect<string> =>
  Effect.map(
    Effect.replicateEffect(Random.nextIntBetween(0, alphabet.length), length),
    (indices) => indices.map((index) => alphabet.charAt(index)).join("")
  )
