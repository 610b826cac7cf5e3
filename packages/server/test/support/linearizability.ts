/*
 * Whether what was seen of concurrent operations is what some order of them, one after another, would have shown: after Wing and
 * Gong, "Testing and Verifying Concurrent Objects" (1993).
 */

/** From its call to its answer, in a time in which no two events are at once. */
export interface Operation<Call, Answer> {
  readonly call: Call
  readonly from: number
  /** `Infinity` where it may still be under way. */
  readonly to: number
  /** None was heard: the operation may have had its effect, or not. */
  readonly answer: Answer | undefined
}

export type History<Call, Answer> = ReadonlyArray<Operation<Call, Answer>>

export interface Model<State, Call, Answer> {
  readonly initial: State
  /**
   * The state after the operation, none if it would not have been answered so. Where the answer was not heard, the state after
   * its effect, none if it would have been refused.
   */
  readonly step: (state: State, call: Call, answer: Answer | undefined) => State | undefined
  /** Equal for equal states. */
  readonly keyOf: (state: State) => string
}

/** An order that explains the history, with the operations that had an effect; none if there is no such order. */
export const explain = <State, Call, Answer>(
  { initial, keyOf, step }: Model<State, Call, Answer>,
  history: History<Call, Answer>
): ReadonlyArray<Operation<Call, Answer>> | undefined => {
  const seen = new Set<string>()

  /** What is left, and the state in which it is. */
  const search = (
    left: ReadonlyArray<Operation<Call, Answer>>,
    state: State
  ): ReadonlyArray<Operation<Call, Answer>> | undefined => {
    if (left.every(({ answer }) => answer === undefined)) return []
    const key = `${left.map((operation) => history.indexOf(operation)).join()} ${keyOf(state)}`
    if (seen.has(key)) return undefined
    seen.add(key)
    // The next one is one that was called before any other had ended.
    const firstEnd = Math.min(...left.map(({ to }) => to))
    for (const operation of left.filter(({ from }) => from < firstEnd)) {
      const others = left.filter((other) => other !== operation)
      const next = step(state, operation.call, operation.answer)
      const order = next === undefined ? undefined : search(others, next)
      if (order !== undefined) return [operation, ...order]
      // It never happened.
      const without = operation.answer === undefined ? search(others, state) : undefined
      if (without !== undefined) return without
    }
    return undefined
  }

  return search(history, initial)
}
