import * as Option from "effect/Option"
import { useMemo } from "preact/hooks"
import { DropZone } from "./DropZone.js"
import { Files } from "./Files.js"
import { KeyPrompt } from "./KeyPrompt.js"
import type { Props } from "./props.js"
import { Uploads } from "./Uploads.js"

const Problem = ({ actions, perform, reason }: Omit<Props, "state"> & { readonly reason: string }) => (
  <div class="problem" role="alert">
    <p>{reason}</p>
    <button
      type="button"
      class="quiet"
      aria-label="Close the message"
      onClick={() =>
        perform(actions.dismissProblem)}
    >
      Close
    </button>
  </div>
)

export const App = (props: Props) => {
  const { actions, perform, state } = props
  // A long list is not compared again in each frame of a transfer.
  const files = useMemo(
    () => <Files {...props} />,
    [state.files, state.now, state.confirming, state.downloading, state.key]
  )
  return (
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
        <nav aria-label="Page">
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
        <DropZone {...props} />
        {state.items.length === 0 ? null : <Uploads {...props} />}
        {files}
      </main>
      {state.isOnline ? null : (
        <p class="banner" role="status">
          The browser is offline. Transfers go on by themselves when it is online again.
        </p>
      )}
      <div class="aloud" role="status" aria-live="polite">{state.announcement}</div>
    </>
  )
}
