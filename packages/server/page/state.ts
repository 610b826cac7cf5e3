import type { FileObject } from "@effect-uploads/domain/FileObject"
import type { FileId } from "@effect-uploads/domain/Ids"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { percent } from "./format.js"
import type { Item } from "./item.js"
import { isRunning, isWaiting } from "./item.js"

/** The most rows of a list at first, and how many more each time. */
export const pageSize = 25

/** Everything that the page shows. */
export interface State {
  /** Epoch milliseconds, renewed while lifetimes are shown. */
  readonly now: number
  readonly isOnline: boolean
  readonly items: ReadonlyArray<Item>
  /** The most ended and waiting transfers that are shown. */
  readonly shownItems: number
  readonly purpose: string
  /** An entry of {@link lifetimes}. */
  readonly lifetime: string
  readonly files: {
    readonly status: "loading" | "shown" | "failed"
    readonly list: ReadonlyArray<FileObject>
    readonly hasMore: boolean
  }
  /** The File whose deletion waits for a second press. */
  readonly confirming: Option.Option<FileId>
  readonly downloading: ReadonlyArray<{ readonly id: FileId; readonly bytes: number }>
  readonly key: {
    readonly isSet: boolean
    /** The field is shown, with what is wrong. */
    readonly prompt: Option.Option<string>
  }
  /** What is wrong with something other than a transfer. */
  readonly problem: Option.Option<string>
  /** Read aloud by a screen reader. */
  readonly announcement: string
}

/** How long the File of a new Upload is kept. */
export const lifetimes: ReadonlyArray<{ readonly label: string; readonly value: Option.Option<Duration.Duration> }> = [
  { label: "as the server decides", value: Option.none() },
  { label: "1 hour", value: Option.some(Duration.hours(1)) },
  { label: "1 day", value: Option.some(Duration.days(1)) },
  { label: "7 days", value: Option.some(Duration.days(7)) },
  { label: "30 days", value: Option.some(Duration.days(30)) }
]

export const initial: State = {
  now: 0,
  isOnline: true,
  items: [],
  shownItems: pageSize,
  purpose: "user_data",
  lifetime: "as the server decides",
  files: { status: "loading", list: [], hasMore: false },
  confirming: Option.none(),
  downloading: [],
  key: { isSet: false, prompt: Option.none() },
  problem: Option.none(),
  announcement: ""
}

/** The title of the window: how much is sent of all that is on its way. */
export const titleOf = ({ items }: State): string => {
  const active = items.filter((item) => isRunning(item) || isWaiting(item))
  const sum = (bytesOf: (item: Item) => number) => active.reduce((total, item) => total + bytesOf(item), 0)
  return active.length === 0
    ? "Effect Uploads"
    : `${percent(sum(({ sentBytes }) => sentBytes), sum(({ bytes }) => bytes))} % sent · Effect Uploads`
}
