import { useEffect, useRef } from "preact/hooks"
import type { Props } from "./props.js"

/** The key is read from the field when it is used, and the field goes away with it. */
export const KeyPrompt = ({ actions, perform, reason }: Omit<Props, "state"> & { readonly reason: string }) => {
  const key = useRef<HTMLInputElement>(null)
  const remember = useRef<HTMLInputElement>(null)
  useEffect(() => key.current?.focus(), [])
  return (
    <form
      class="key"
      aria-label="Key for this server"
      onSubmit={(event) => {
        event.preventDefault()
        perform(actions.useKey(key.current?.value ?? "", remember.current?.checked === true))
      }}
    >
      {reason === "" ? null : <p role="alert">{reason}</p>}
      <label>
        API key
        <input ref={key} type="password" autocomplete="off" spellcheck={false} required placeholder="sk-…" />
      </label>
      <label class="check">
        <input ref={remember} type="checkbox" />
        Remember it until this tab is closed
      </label>
      <button type="submit" class="primary">Use key</button>
      <button type="button" class="quiet" onClick={() => perform(actions.closeKeyPrompt)}>Not now</button>
    </form>
  )
}
