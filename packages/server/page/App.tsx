import * as Option from "effect/Option"
import { DropZone } from "./DropZone.js"
import { Files } from "./Files.js"
import { KeyPrompt } from "./KeyPrompt.js"
import type { Props } from "./props.js"
import { Transfer } from "./Transfer.js"

const Problem = ({ actions, perform, reason }: Omit<Props, "state"> & { readonly reason: string }) => (
  <div class="problem" role="alert">
    <p>{reason}</p>
    <button
      type="button"
      class="quiet"
      onClick={() =>
        perform(actions.dismissProblem)}
    >
      Close
    </button>
  </div>
)

export const App = ({ actions, perform, state }: Props) => (
  <>
    <header class="top">
      <h1>
        <svg viewBox="0 0 28 28" aria-hidden="true">
          <rect x="2" y="14" width="6" height="12" rx="2" />
          <rect x="11" y="8" width="6" height="18" rx="2" />
          <rect x="20" y="2" width="6" height="24" rx="2" />
        </svg>
        Effect Uploads
      </h1>
      <nav>
        {state.key.isSet
          ? <button type="button" class="quiet" onClick={() => perform(actions.forgetKey)}>Forget key</button>
          : <button type="button" class="quiet" onClick={() => perform(actions.askForKey)}>Use a key</button>}
        <a class="quiet" href="/docs">API</a>
      </nav>
    </header>
    <main>
      {Option.match(state.key.prompt, {
        onNone: () => null,
        onSome: (reason) => <KeyPrompt reason={reason} actions={actions} perform={perform} />
      })}
      {Option.match(state.problem, {
        onNone: () => null,
        onSome: (reason) => <Problem reason={reason} actions={actions} perform={perform} />
      })}
      <DropZone state={state} actions={actions} perform={perform} />
      {state.items.length === 0 ? null : (
        <section aria-labelledby="uploads">
          <h2 id="uploads">Uploads</h2>
          <ul class="plain">
            {state.items.map((item) => (
              <Transfer key={item.id} item={item} now={state.now} actions={actions} perform={perform} />
            ))}
          </ul>
        </section>
      )}
      <Files state={state} actions={actions} perform={perform} />
    </main>
    <div class="aloud" role="status" aria-live="polite">{state.announcement}</div>
  </>
)
