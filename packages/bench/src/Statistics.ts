/**
 * Interleaved runs, medians and ratios.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The median of numbers. NaN if there are none. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/**
 * The order of the candidates in a round, by a Williams design: A B D C, B C A D, C D B A, D A C B. A run leaves effects in
 * caches, memory and disk that slow the next run, so each candidate follows each other one equally often.
 */
const orderOf = <A>(candidates: ReadonlyArray<A>, round: number): ReadonlyArray<A> =>
  candidates.flatMap((_, position) => {
    const step = position % 2 === 1 ? (position + 1) / 2 : candidates.length - position / 2
    const index = (step + round - 1) % candidates.length
    return candidates.slice(index, index + 1)
  })

/**
 * Runs each candidate once in each round. A disturbance of the machine then affects all candidates of a round, so the runs of
 * one round are comparable.
 */
export const interleave = <Name extends string, A, E, R>(
  rounds: number,
  candidates: ReadonlyArray<{
    readonly name: Name
    readonly run: Effect.Effect<A, E, R>
    /** The number of rounds, from the first one, in which the candidate runs. Default: all. */
    readonly rounds?: number
  }>,
  /** The pause after each run, because a disk stays busy for a while after files were removed. */
  rest: Duration.DurationInput = Duration.zero
): Effect.Effect<ReadonlyMap<Name, ReadonlyArray<A>>, E, R> =>
  Effect.gen(function*() {
    const results = new Map<Name, Array<A>>(candidates.map(({ name }) => [name, []]))
    for (let round = 1; round <= rounds; round++) {
      for (const { name, run, rounds: own = rounds } of orderOf(candidates, round)) {
        if (round > own) continue
        yield* Effect.logInfo(`  round ${round} of ${rounds}: ${name}`)
        results.get(name)?.push(yield* run)
        yield* Effect.sleep(rest)
      }
    }
    return results
  })

/** The median of the ratios of two candidates, each ratio from the same round. */
export const ratio = (one: ReadonlyArray<number>, other: ReadonlyArray<number>): number =>
  median(one.flatMap((value, round) => {
    const against = other[round]
    return against === undefined ? [] : [value / against]
  }))
