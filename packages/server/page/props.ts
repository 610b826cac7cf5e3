import type * as Effect from "effect/Effect"
import type { Actions } from "./actions.js"
import type { State } from "./state.js"

/** Runs what a user asked for. */
export type Perform = (effect: Effect.Effect<void>) => void

export interface Props {
  readonly state: State
  readonly actions: Actions
  readonly perform: Perform
}
