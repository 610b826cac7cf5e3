import type { FileObject } from "@effect-uploads/domain/FileObject"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { dateAndTime, distance, percent, size } from "./format.js"
import { progressbar } from "./progressbar.js"
import type { Props } from "./props.js"
import type { State } from "./state.js"

const Lifetime = ({ file, now }: { readonly file: FileObject; readonly now: number }) =>
  Option.match(file.expiresAt, {
    onNone: () => <span>kept until deleted</span>,
    onSome: (at) => {
      const millis = DateTime.toEpochMillis(at)
      return (
        <time dateTime={DateTime.formatIso(at)} title={dateAndTime(millis)}>
          {millis <= now ? "expired" : `expires ${distance(millis - now)}`}
        </time>
      )
    }
  })

const Created = ({ file, now }: { readonly file: FileObject; readonly now: number }) => {
  const millis = DateTime.toEpochMillis(file.createdAt)
  return (
    <time dateTime={DateTime.formatIso(file.createdAt)} title={dateAndTime(millis)}>
      {distance(Math.min(0, millis - now))}
    </time>
  )
}

const Download = ({ actions, file, perform, state }: Props & { readonly file: FileObject }) => {
  const running = state.downloading.find(({ id }) => id === file.id)
  if (running !== undefined) {
    const done = percent(running.bytes, file.bytes)
    return (
      <span class="busy" {...progressbar(`${file.filename} downloaded`, done)}>
        {done} %
      </span>
    )
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
          <Created file={file} now={state.now} />
          <Lifetime file={file} now={state.now} />
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
          aria-label={isAsked ? `Delete for good: ${file.filename}` : `Delete ${file.filename}`}
          onClick={() => {
            // The button goes away with its File.
            if (isAsked) document.getElementById("files")?.focus({ preventScroll: true })
            perform(actions.remove(file))
          }}
        >
          {isAsked ? "Delete for good" : "Delete"}
        </button>
      </div>
    </li>
  )
}

/** Why there is no list, and what to do. */
const reasonOf = ({ key }: State): string =>
  Option.isSome(key.prompt)
    ? "The Files of a key appear here. Enter the key above."
    : "The Files could not be listed. Refresh to try again."

export const Files = (props: Props) => {
  const { actions, perform, state } = props
  const { files } = state
  return (
    <section aria-labelledby="files">
      <div class="heading">
        <h2 id="files" tabIndex={-1}>Files</h2>
        <button type="button" class="quiet" onClick={() => perform(actions.reload)}>Refresh</button>
      </div>
      {files.status === "loading" ? <p class="empty">Loading…</p> : null}
      {files.status === "failed" && files.list.length === 0
        ? <p class="empty">{reasonOf(state)}</p>
        : null}
      {files.status === "shown" && files.list.length === 0
        ? <p class="empty">No Files yet. Drop one to send it, and it appears here.</p>
        : null}
      <ul class="plain" role="list">
        {files.list.map((file) => <Row key={file.id} file={file} {...props} />)}
      </ul>
      {files.hasMore
        ? <button type="button" class="more" onClick={() => perform(actions.showMore)}>Show more</button>
        : null}
    </section>
  )
}
