import { UploadPurpose } from "@effect-uploads/domain/FilePurpose"
import { useEffect, useRef, useState } from "preact/hooks"
import type { Props } from "./props.js"
import { lifetimes } from "./state.js"

/** The whole window takes files. Without this a file that misses the zone would replace the page. */
const useWindowDrop = (onFiles: (files: ReadonlyArray<File>) => void): boolean => {
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    const over = (event: DragEvent) => {
      event.preventDefault()
      setOver(event.dataTransfer?.types.includes("Files") === true)
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent) => {
      event.preventDefault()
      setOver(false)
      onFiles(Array.from(event.dataTransfer?.files ?? []))
    }
    addEventListener("dragover", over)
    addEventListener("dragleave", leave)
    addEventListener("drop", drop)
    return () => {
      removeEventListener("dragover", over)
      removeEventListener("dragleave", leave)
      removeEventListener("drop", drop)
    }
  }, [])
  return isOver
}

export const DropZone = ({ actions, perform, state }: Props) => {
  const input = useRef<HTMLInputElement>(null)
  const isOver = useWindowDrop((files) => perform(actions.choose(files)))
  return (
    <section class={isOver ? "drop over" : "drop"} aria-label="Send files">
      <p class="lead">{isOver ? "Let go to send" : "Drop files anywhere"}</p>
      <p class="hint">Each becomes a File on this server. A transfer survives a lost connection and a closed page.</p>
      <input
        ref={input}
        id="choose"
        type="file"
        multiple
        hidden
        aria-label="Files to send"
        onChange={({ currentTarget }) => {
          perform(actions.choose(Array.from(currentTarget.files ?? [])))
          // The same file can be chosen again.
          currentTarget.value = ""
        }}
      />
      <button type="button" class="primary" onClick={() => input.current?.click()}>Choose files</button>
      <div class="options">
        <label>
          Purpose
          <select
            value={state.purpose}
            onChange={({ currentTarget }) => perform(actions.setPurpose(currentTarget.value))}
          >
            {UploadPurpose.literals.map((purpose) => <option key={purpose} value={purpose}>{purpose}</option>)}
          </select>
        </label>
        <label>
          Kept
          <select
            value={state.lifetime}
            onChange={({ currentTarget }) => perform(actions.setLifetime(currentTarget.value))}
          >
            {lifetimes.map(({ label }) => <option key={label} value={label}>{label}</option>)}
          </select>
        </label>
      </div>
    </section>
  )
}
