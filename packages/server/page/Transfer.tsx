import * as Option from "effect/Option"
import { useRef } from "preact/hooks"
import { dateAndTime, distance, duration, percent, rate, size } from "./format.js"
import type { Item, Part } from "./item.js"
import { hasEnded, Status } from "./item.js"
import { progressbar } from "./progressbar.js"
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

const untilOf = ({ expiresAt }: Item, now: number): string =>
  Option.match(expiresAt, {
    onNone: () => "",
    onSome: (at) => at <= now ? " The Upload has expired." : ` The Upload expires ${distance(at - now)}.`
  })

const statusOf = (item: Item, now: number): string =>
  Status.$match(item.status, {
    Waiting: () => "Waiting for the transfers before it",
    Starting: () => "Starting…",
    Sending: () =>
      [
        item.bytesPerSecond > 0 ? rate(item.bytesPerSecond) : "",
        Option.match(item.timeLeft, { onNone: () => "", onSome: (left) => `${duration(left)} left` })
      ].filter((text) => text !== "").join(" · ") || "Connecting…",
    Verifying: () => "All sent. The server checks the md5…",
    Paused: () => `Paused.${untilOf(item, now)}`,
    Offline: () => `Waiting for the connection.${untilOf(item, now)}`,
    Suspended: ({ reason }) => reason,
    Away: () =>
      `Choose this file again to go on: ${size(item.bytes)}, last changed ${dateAndTime(item.modifiedAt)}.${
        untilOf(item, now)
      }`,
    Failed: ({ reason }) => reason,
    Cancelled: () => "Cancelled. What was sent is removed.",
    Completed: ({ file }) => `Complete: ${file.id}`
  })

type CardProps = Omit<Props, "state"> & { readonly item: Item }

/** Lets the user choose one file again. */
const ChooseAgain = ({ actions, item, perform }: CardProps) => {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={`The file ${item.name}`}
        onChange={({ currentTarget }) => {
          const [file] = Array.from(currentTarget.files ?? [])
          if (file !== undefined) perform(actions.chooseAgain(item.id, file))
          // The same file can be chosen again.
          currentTarget.value = ""
        }}
      />
      <button
        type="button"
        class="primary"
        aria-label={`Choose file: ${item.name}`}
        onClick={() => input.current?.click()}
      >
        Choose file
      </button>
    </>
  )
}

/** What the first button of a card does. It is one button, so that it keeps the focus. */
const mainActionOf = ({ status }: Item): "Pause" | "Resume" | "Send again" | undefined => {
  switch (status._tag) {
    case "Waiting":
    case "Starting":
    case "Sending":
    case "Verifying":
      return "Pause"
    case "Paused":
    case "Offline":
    case "Suspended":
      return "Resume"
    case "Failed":
      return status.remedy === "send" ? "Send again" : undefined
    default:
      return undefined
  }
}

const Buttons = ({ actions, item, perform }: CardProps) => {
  const { id, name, status } = item
  const mainAction = mainActionOf(item)
  return (
    <div class="does">
      {mainAction === undefined ? null : (
        <button
          key="main"
          type="button"
          class={mainAction === "Pause" ? "" : "primary"}
          aria-label={mainAction === "Send again" ? `Send again: ${name}` : `${mainAction} ${name}`}
          onClick={() => perform(mainAction === "Pause" ? actions.pause(id) : actions.resume(id))}
        >
          {mainAction}
        </button>
      )}
      {status._tag === "Away" || status._tag === "Failed" && status.remedy === "choose"
        ? <ChooseAgain item={item} actions={actions} perform={perform} />
        : null}
      <button
        key="end"
        type="button"
        aria-label={`${hasEnded(item) ? "Dismiss" : "Cancel"} ${name}`}
        onClick={() => {
          if (!hasEnded(item)) return perform(actions.cancel(id))
          // The button goes away with its card.
          document.getElementById("uploads")?.focus({ preventScroll: true })
          perform(actions.dismiss(id))
        }}
      >
        {hasEnded(item) ? "Dismiss" : "Cancel"}
      </button>
    </div>
  )
}

export const Transfer = ({ actions, item, now, perform }: CardProps & { readonly now: number }) => {
  const done = percent(item.sentBytes, item.bytes)
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
        {item.status._tag === "Sending" ? <Curve rates={item.rates} /> : null}
        <div class="number" aria-hidden="true">
          {done}
          <small>%</small>
        </div>
      </div>
      {item.parts.length === 0 ? null : (
        <div class="stage" {...progressbar(`${item.name} sent`, done)}>
          <Picture parts={item.parts} />
        </div>
      )}
      <div class="row end">
        <p class="status">
          {statusOf(item, now)}
          {Option.match(item.notice, {
            onNone: () => null,
            onSome: (text) => <span class="notice" title={text}>{text}</span>
          })}
        </p>
        <Buttons item={item} actions={actions} perform={perform} />
      </div>
    </li>
  )
}
