import { UploadPurpose } from "@effect-uploads/domain/FilePurpose"
import { useEffect, useRef, useState } from "preact/hooks"
import type { Props } from "./props.js"
import { lifetimes } from "./state.js"

interface Dropped {
  readonly files: ReadonlyArray<File>
  /** The names of folders, whose files a browser does not hand over. */
  readonly folders: ReadonlyArray<string>
}

const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes("Files") === true

const droppedOf = ({ dataTransfer }: DragEvent): Dropped => {
  const entries = Array.from(dataTransfer?.items ?? []).map((item) => item.webkitGetAsEntry())
  const folders = entries.flatMap((entry) => entry?.isDirectory === true ? [entry.name] : [])
  return { files: Array.from(dataTransfer?.files ?? []).filter(({ name }) => !folders.includes(name)), folders }
}

/** The whole window takes files. Without this a file that misses the zone would replace the page. */
const useWindowDrop = (onDrop: (dropped: Dropped) => void): boolean => {
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    const over = (event: DragEvent) => {
      // Text may be dropped into a field.
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      onDrop(droppedOf(event))
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
  const isOver = useWindowDrop(({ files, folders }) => {
    perform(actions.choose(files))
    if (folders.length > 0) perform(actions.rejectFolders(folders))
  })
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
      <button type="button" id="choose-files" class="primary" onClick={() => input.current?.click()}>
        Choose files
      </button>
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
