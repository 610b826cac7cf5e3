import type { FileObject } from "@effect-uploads/domain/FileObject"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { distance, percent, size } from "./format.js"
import type { Props } from "./props.js"

const lifetimeOf = (file: FileObject, now: number): string =>
  Option.match(file.expiresAt, {
    onNone: () => "kept until deleted",
    onSome: (at) => {
      const left = DateTime.toEpochMillis(at) - now
      return left <= 0 ? "expired" : `expires ${distance(left)}`
    }
  })

const Download = ({ actions, file, perform, state }: Props & { readonly file: FileObject }) => {
  const running = state.downloading.find(({ id }) => id === file.id)
  if (running !== undefined) {
    return <span class="busy" role="status">{percent(running.bytes, file.bytes)} %</span>
  }
  return state.key.isSet
    ? (
      <button
        type="button"
        aria-label={`Download ${file.filename}`}
        onClick={() => perform(actions.save(file))}
      >
        Download
      </button>
    )
    : (
      <a
        class="button"
        href={`/v1/files/${encodeURIComponent(file.id)}/content`}
        download={file.filename}
        aria-label={`Download ${file.filename}`}
      >
        Download
      </a>
    )
}

const Row = ({ file, ...props }: Props & { readonly file: FileObject }) => {
  const { actions, perform, state } = props
  const isAsked = Option.contains(state.confirming, file.id)
  return (
    <li class="file">
      <div class="what">
        <strong title={file.filename}>{file.filename}</strong>
        <span class="facts">
          <span>{size(file.bytes)}</span>
          <span>{file.purpose}</span>
          <span>{distance(Math.min(0, DateTime.toEpochMillis(file.createdAt) - state.now))}</span>
          <span>{lifetimeOf(file, state.now)}</span>
        </span>
        <code>{file.id}</code>
      </div>
      <div class="does">
        {isAsked ?
          <button type="button" onClick={() => perform(actions.keep)}>Keep</button> :
          <Download file={file} {...props} />}
        <button
          key="delete"
          type="button"
          class={isAsked ? "danger" : ""}
          aria-label={isAsked ? `Delete ${file.filename} for good` : `Delete ${file.filename}`}
          onClick={() => perform(actions.remove(file))}
        >
          {isAsked ? "Delete for good" : "Delete"}
        </button>
      </div>
    </li>
  )
}

export const Files = (props: Props) => {
  const { actions, perform, state: { files } } = props
  return (
    <section aria-labelledby="files">
      <div class="heading">
        <h2 id="files">Files</h2>
        <button type="button" class="quiet" onClick={() => perform(actions.reload)}>Refresh</button>
      </div>
      {files.status === "loading" ? <p class="empty">Loading…</p> : null}
      {files.status === "failed" && files.list.length === 0
        ? <p class="empty">The Files could not be listed.</p>
        : null}
      {files.status === "shown" && files.list.length === 0
        ? <p class="empty">No Files yet. The first one that you send appears here.</p>
        : null}
      <ul class="plain">
        {files.list.map((file) => <Row key={file.id} file={file} {...props} />)}
      </ul>
      {files.hasMore
        ? <button type="button" class="more" onClick={() => perform(actions.showMore)}>Show more</button>
        : null}
    </section>
  )
}
