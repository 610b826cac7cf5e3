import type * as Upload from "@effect-uploads/domain/Upload"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** What is known of the transfer of one file. */
export interface Item {
  readonly name: string
  readonly phase: "waiting" | "sending" | "completed" | "failed"
  /** The Upload under way. */
  readonly upload: Option.Option<Upload.Pending>
  readonly totalBytes: number
  readonly sentBytes: number
  /** The bytes of `sentBytes` that an earlier run sent. */
  readonly resumedBytes: number
  readonly bytesPerSecond: number
  readonly timeLeft: Option.Option<Duration.Duration>
  readonly parts: number
  readonly partsDone: number
  readonly retries: number
  /** When this run began to send, in milliseconds since 1970. None for a file that an earlier run sent. */
  readonly startedAt: Option.Option<number>
}

export const waiting = (name: string): Item => ({
  name,
  phase: "waiting",
  upload: Option.none(),
  totalBytes: 0,
  sentBytes: 0,
  resumedBytes: 0,
  bytesPerSecond: 0,
  timeLeft: Option.none(),
  parts: 0,
  partsDone: 0,
  retries: 0,
  startedAt: Option.none()
})

/** The item after an event. */
export const update = (item: Item, event: TransferEvent.TransferEvent, nowMillis: number): Item =>
  TransferEvent.$match(event, {
    Started: ({ parts, resumedBytes, upload }): Item => ({
      ...item,
      phase: "sending",
      upload: Option.some(upload),
      totalBytes: upload.bytes,
      sentBytes: resumedBytes,
      resumedBytes,
      parts,
      partsDone: 0,
      startedAt: Option.orElseSome(item.startedAt, () => nowMillis)
    }),
    Progress: ({ bytesPerSecond, sentBytes, timeLeft, totalBytes }) => ({
      ...item,
      totalBytes,
      sentBytes,
      bytesPerSecond,
      timeLeft
    }),
    PartDone: () => ({ ...item, partsDone: item.partsDone + 1 }),
    Retrying: () => ({ ...item, retries: item.retries + 1 }),
    RequestRetrying: () => ({ ...item, retries: item.retries + 1 }),
    TooSlow: () => item,
    Restarted: () => ({ ...item, upload: Option.none(), sentBytes: 0, resumedBytes: 0, partsDone: 0 }),
    Completed: (): Item => ({ ...item, phase: "completed", sentBytes: item.totalBytes, timeLeft: Option.none() })
  })
