/*
 * Whether what was seen of concurrent operations is what some order of them, one after another, would have shown: after Wing and
 * Gong, "Testing and Verifying Concurrent Objects" (1993).
 */

/** An operation from its call to its outcome. All events have different times. */
export interface Operation<Call, Outcome> {
  readonly call: Call
  readonly from: number
  /** `Infinity` where it may still be under way. */
  readonly to: number
  /** None was acknowledged: the operation may have had its effect, or not. */
  readonly outcome: Outcome | undefined
}

export type History<Call, Outcome> = ReadonlyArray<Operation<Call, Outcome>>

export interface Model<State, Call, Outcome> {
  readonly initial: State
  /**
   * The state after the operation, or undefined if the operation could not have this outcome. Without an outcome: the state
   * after its effect, or undefined if it would have been rejected.
   */
  readonly step: (state: State, call: Call, outcome: Outcome | undefined) => State | undefined
  /** Equal for equal states. */
  readonly keyOf: (state: State) => string
}

/** An order that explains the history, with the operations that had an effect; none if there is no such order. */
export const explain = <State, Call, Outcome>(
  { initial, keyOf, step }: Model<State, Call, Outcome>,
  history: History<Call, Outcome>
): ReadonlyArray<Operation<Call, Outcome>> | undefined => {
  const seen = new Set<string>()

  /** What is left, and the state in which it is. */
  const search = (
    left: ReadonlyArray<Operation<Call, Outcome>>,
    state: State
  ): ReadonlyArray<Operation<Call, Outcome>> | undefined => {
    if (left.every(({ outcome }) => outcome === undefined)) return []
    const key = `${left.map((operation) => history.indexOf(operation)).join()} ${keyOf(state)}`
    if (seen.has(key)) return undefined
    seen.add(key)
    // The next one is one that was called before any other had ended.
    const firstEnd = Math.min(...left.map(({ to }) => to))
    for (const operation of left.filter(({ from }) => from < firstEnd)) {
      const others = left.filter((other) => other !== operation)
      const next = step(state, operation.call, operation.outcome)
      const order = next === undefined ? undefined : search(others, next)
      if (order !== undefined) return [operation, ...order]
      // It never happened.
      const without = operation.outcome === undefined ? search(others, state) : undefined
      if (without !== undefined) return without
    }
    return undefined
  }

  return search(history, initial)
}
