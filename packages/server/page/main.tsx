import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Stream from "effect/Stream"
import { render } from "preact"
import * as page from "./actions.js"
import { App } from "./App.js"
import type { State } from "./state.js"
import { titleOf } from "./state.js"

/** Shows the newest state, once a frame at most, in a task that does nothing else. */
const program = Effect.gen(function*() {
  const root = document.getElementById("root")
  if (root === null) return
  const { actions, run, state } = yield* page.make
  const perform = yield* FiberSet.makeRuntime<never>()
  let newest: State | undefined
  const show = () => {
    if (newest === undefined) return
    render(<App state={newest} actions={actions} perform={perform} />, root)
    newest = undefined
  }
  yield* Effect.forkScoped(run)
  yield* Stream.runForEach(state.changes, (changed) =>
    Effect.sync(() => {
      if (newest === undefined) requestAnimationFrame(show)
      newest = changed
      // A tab in the background has a title and no frames.
      const title = titleOf(changed)
      if (document.title !== title) document.title = title
    }))
}).pipe(Effect.scoped)

Effect.runFork(program)
