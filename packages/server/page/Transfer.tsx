import * as Option from "effect/Option"
import { useRef } from "preact/hooks"
import { distance, duration, percent, rate, size } from "./format.js"
import type { Item, Part } from "./item.js"
import { hasEnded, isRunning, Status } from "./item.js"
import type { Props } from "./props.js"

const titleOf = (part: Part, index: number): string => {
  const repeats = part.failures === 0 ? "" : `, ${part.failures} ${part.failures === 1 ? "retry" : "retries"}`
  return `Part ${index + 1}: ${part.state}${repeats}`
}

/** Each part is a cell that fills. */
const Picture = ({ parts }: { readonly parts: ReadonlyArray<Part> }) => (
  <div class="picture" aria-hidden="true">
    {parts.map((part, index) => (
      <span
        key={index}
        class={`cell ${part.state}${part.failures > 0 ? " repeated" : ""}`}
        title={titleOf(part, index)}
      >
        <span style={{ transform: `scaleY(${part.fill})` }} />
        {part.state === "retrying" ? <b>{part.failures}</b> : null}
      </span>
    ))}
  </div>
)

/** The rate of the last seconds. */
const Curve = ({ rates }: { readonly rates: ReadonlyArray<number> }) => {
  const highest = Math.max(1, ...rates)
  const step = 100 / Math.max(1, rates.length - 1)
  const points = rates.map((rate, index) => `${index * step},${31 - 29 * rate / highest}`)
  return (
    <svg class="curve" viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true">
      {rates.length < 2 ? null : (
        <>
          <polygon points={`0,32 ${points.join(" ")} 100,32`} />
          <polyline points={points.join(" ")} />
        </>
      )}
    </svg>
  )
}

const statusOf = (item: Item, now: number): string =>
  Status.$match(item.status, {
    Starting: () => "Starting…",
    Sending: () =>
      [
        item.bytesPerSecond > 0 ? rate(item.bytesPerSecond) : "",
        Option.match(item.timeLeft, { onNone: () => "", onSome: (left) => `${duration(left)} left` })
      ].filter((text) => text !== "").join(" · ") || "Connecting…",
    Verifying: () => "All sent. The server checks the md5…",
    Paused: () => `Paused${untilOf(item, now)}`,
    Suspended: ({ reason }) => reason,
    Away: () => `From an earlier visit. Choose the file again to go on${untilOf(item, now)}`,
    Failed: ({ reason }) => reason,
    Cancelled: () => "Cancelled. What was sent is removed.",
    Completed: ({ file }) => `Complete: ${file.id}`
  })

const untilOf = ({ expiresAt }: Item, now: number): string =>
  Option.match(expiresAt, {
    onNone: () => "",
    onSome: (at) => at <= now ? ", but the Upload has expired" : `. The Upload expires ${distance(at - now)}`
  })

/** Lets the user choose one file again. */
const ChooseAgain = ({ actions, item, perform }: Omit<Props, "state"> & { readonly item: Item }) => {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={`The file ${item.name}`}
        onChange={({ currentTarget }) => perform(actions.choose(Array.from(currentTarget.files ?? [])))}
      />
      <button type="button" class="primary" onClick={() => input.current?.click()}>Choose file</button>
    </>
  )
}

const Buttons = ({ actions, item, perform }: Omit<Props, "state"> & { readonly item: Item }) => {
  const { id, name, status } = item
  const canResume = status._tag === "Paused" || status._tag === "Suspended" ||
    status._tag === "Failed" && Option.isSome(item.file)
  return (
    <div class="does">
      {isRunning(item)
        ? (
          <button key="pause" type="button" aria-label={`Pause ${name}`} onClick={() => perform(actions.pause(id))}>
            Pause
          </button>
        )
        : null}
      {canResume
        ? (
          <button
            key="resume"
            type="button"
            class="primary"
            aria-label={`${status._tag === "Failed" ? "Send" : "Resume"} ${name}${
              status._tag === "Failed" ? " again" : ""
            }`}
            onClick={() => perform(actions.resume(id))}
          >
            {status._tag === "Failed" ? "Send again" : "Resume"}
          </button>
        )
        : null}
      {status._tag === "Away" ? <ChooseAgain item={item} actions={actions} perform={perform} /> : null}
      {hasEnded(item)
        ? (
          <button
            key="dismiss"
            type="button"
            aria-label={`Dismiss ${name}`}
            onClick={() => perform(actions.dismiss(id))}
          >
            Dismiss
          </button>
        )
        : (
          <button key="cancel" type="button" aria-label={`Cancel ${name}`} onClick={() => perform(actions.cancel(id))}>
            Cancel
          </button>
        )}
    </div>
  )
}

export const Transfer = (
  { actions, item, now, perform }: Omit<Props, "state"> & { readonly item: Item; readonly now: number }
) => {
  const done = percent(item.sentBytes, item.bytes)
  const isSending = item.status._tag === "Sending"
  return (
    <li class={`transfer ${item.status._tag.toLowerCase()}`}>
      <div class="row">
        <div class="what">
          <strong title={item.name}>{item.name}</strong>
          <span class="facts">
            <span>{size(item.sentBytes)} of {size(item.bytes)}</span>
            <span>{item.purpose}</span>
            {item.repeatedBytes > 0 ? <span>{size(item.repeatedBytes)} sent again</span> : null}
          </span>
        </div>
        <div class="number" aria-hidden="true">
          {done}
          <small>%</small>
        </div>
      </div>
      <div
        class="stage"
        role="progressbar"
        aria-label={`${item.name} sent`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={done}
      >
        <Picture parts={item.parts} />
        {isSending ? <Curve rates={item.rates} /> : null}
      </div>
      <div class="row end">
        <p class="status">
          {statusOf(item, now)}
          {isSending
            ? Option.match(item.notice, { onNone: () => null, onSome: (text) => <span class="notice">{text}</span> })
            : null}
        </p>
        <Buttons item={item} actions={actions} perform={perform} />
      </div>
    </li>
  )
}
