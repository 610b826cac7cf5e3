/**
 * Interleaved runs and their medians.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The middle of some numbers. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/**
 * The order of a round, as Williams balances it: A B D C, B C A D, C D B A, D A C B. What a run leaves behind, in the caches, the
 * memory and the disk, hits whoever is next, and that is another one in each round.
 */
const orderOf = <A>(contestants: ReadonlyArray<A>, round: number): ReadonlyArray<A> =>
  contestants.flatMap((_, position) => {
    const step = position % 2 === 1 ? (position + 1) / 2 : contestants.length - position / 2
    const index = (step + round - 1) % contestants.length
    return contestants.slice(index, index + 1)
  })

/**
 * Runs each contestant once, then each once more. What the machine does meanwhile hits them all, and the runs of one round can
 * be compared with each other.
 */
export const interleave = <Name extends string, A, E, R>(
  rounds: number,
  contestants: ReadonlyArray<{
    readonly name: Name
    readonly run: Effect.Effect<A, E, R>
    /** In how many rounds it takes part, from the first. Default: all. */
    readonly rounds?: number
  }>,
  /** What lies between two runs: a disk goes on for a while after files were removed. */
  rest: Duration.DurationInput = Duration.zero
): Effect.Effect<ReadonlyMap<Name, ReadonlyArray<A>>, E, R> =>
  Effect.gen(function*() {
    const results = new Map<Name, Array<A>>(contestants.map(({ name }) => [name, []]))
    for (let round = 1; round <= rounds; round++) {
      for (const { name, run, rounds: own = rounds } of orderOf(contestants, round)) {
        if (round > own) continue
        yield* Effect.logInfo(`  round ${round} of ${rounds}: ${name}`)
        results.get(name)?.push(yield* run)
        yield* Effect.sleep(rest)
      }
    }
    return results
  })

/** The median over the rounds of what one was in proportion to another in the same round. */
export const ratio = (one: ReadonlyArray<number>, other: ReadonlyArray<number>): number =>
  median(one.flatMap((value, round) => {
    const against = other[round]
    return against === undefined ? [] : [value / against]
  }))
