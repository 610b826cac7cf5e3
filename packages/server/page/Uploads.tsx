import { useMemo } from "preact/hooks"
import type { Item } from "./item.js"
import { hasEnded, isRunning, isWaiting } from "./item.js"
import type { Props } from "./props.js"
import { Transfer } from "./Transfer.js"

/** All that run, and so many of the others. */
const shownOf = (items: ReadonlyArray<Item>, limit: number): ReadonlyArray<Item> => {
  let others = 0
  return items.filter((item) => isRunning(item) || others++ < limit)
}

/** A card is made again only when something about it has changed. */
const Card = ({ actions, item, now, perform }: Omit<Props, "state"> & { readonly item: Item; readonly now: number }) =>
  useMemo(() => <Transfer item={item} now={now} actions={actions} perform={perform} />, [item, now])

/** `3 of 12 complete`. */
const summaryOf = (items: ReadonlyArray<Item>): string => {
  const completed = items.filter(({ status }) => status._tag === "Completed").length
  const waiting = items.filter(isWaiting).length
  return [
    items.length > 1 ? `${completed} of ${items.length} complete` : "",
    waiting > 0 ? `${waiting} waiting` : ""
  ].filter((text) => text !== "").join(" · ")
}

export const Uploads = ({ actions, perform, state: { items, now, shownItems } }: Props) => {
  const shown = shownOf(items, shownItems)
  return (
    <section aria-labelledby="uploads">
      <div class="heading">
        <h2 id="uploads" tabIndex={-1}>Uploads</h2>
        <span class="summary">{summaryOf(items)}</span>
        <button
          type="button"
          class="quiet"
          disabled={!items.some(hasEnded)}
          onClick={() => {
            document.getElementById("choose-files")?.focus({ preventScroll: true })
            perform(actions.dismissEnded)
          }}
        >
          Dismiss ended
        </button>
      </div>
      <ul class="plain" role="list">
        {shown.map((item) => <Card key={item.id} item={item} now={now} actions={actions} perform={perform} />)}
      </ul>
      {shown.length < items.length
        ? (
          <button type="button" class="more" onClick={() => perform(actions.showMoreItems)}>
            Show more ({items.length - shown.length} left)
          </button>
        )
        : null}
    </section>
  )
}
