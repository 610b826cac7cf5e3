import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Stream from "effect/Stream"
import { render } from "preact"
import * as page from "./actions.js"
import { App } from "./App.js"

const nextFrame = Effect.async<void>((resume) => {
  const handle = requestAnimationFrame(() => resume(Effect.void))
  return Effect.sync(() => cancelAnimationFrame(handle))
})

/** Shows the newest state, once a frame at most. */
const program = Effect.gen(function*() {
  const root = document.getElementById("root")
  if (root === null) return
  const { actions, run, state } = yield* page.make
  const perform = yield* FiberSet.makeRuntime<never>()
  yield* Effect.forkScoped(run)
  yield* state.changes.pipe(
    Stream.buffer({ capacity: 1, strategy: "sliding" }),
    Stream.runForEach((state) =>
      Effect.zipRight(
        Effect.sync(() => render(<App state={state} actions={actions} perform={perform} />, root)),
        nextFrame
      )
    )
  )
}).pipe(Effect.scoped)

Effect.runFork(program)
