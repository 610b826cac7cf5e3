import type * as Upload from "@effect-uploads/domain/Upload"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** The progress of the transfer of one file. */
export interface FileProgress {
  readonly name: string
  readonly phase: "waiting" | "sending" | "completed" | "failed"
  /** The pending Upload of the file. */
  readonly upload: Option.Option<Upload.Pending>
  readonly totalBytes: number
  readonly sentBytes: number
  /** The bytes of `sentBytes` that an earlier run sent. */
  readonly resumedBytes: number
  readonly bytesPerSecond: number
  readonly timeLeft: Option.Option<Duration.Duration>
  readonly retries: number
  /** When this run began to send, in milliseconds since 1970. None for a file that an earlier run sent. */
  readonly startedAt: Option.Option<number>
}

export const waiting = (name: string): FileProgress => ({
  name,
  phase: "waiting",
  upload: Option.none(),
  totalBytes: 0,
  sentBytes: 0,
  resumedBytes: 0,
  bytesPerSecond: 0,
  timeLeft: Option.none(),
  retries: 0,
  startedAt: Option.none()
})

/** The progress after an event. */
export const update = (
  file: FileProgress,
  event: TransferEvent.TransferEvent,
  nowMillis: number
): FileProgress =>
  TransferEvent.$match(event, {
    Started: ({ resumedBytes, upload }): FileProgress => ({
      ...file,
      phase: "sending",
      upload: Option.some(upload),
      totalBytes: upload.bytes,
      sentBytes: resumedBytes,
      resumedBytes,
      startedAt: Option.orElseSome(file.startedAt, () => nowMillis)
    }),
    Progress: ({ bytesPerSecond, sentBytes, timeLeft, totalBytes }) => ({
      ...file,
      totalBytes,
      sentBytes,
      bytesPerSecond,
      timeLeft
    }),
    PartDone: () => file,
    Retrying: () => ({ ...file, retries: file.retries + 1 }),
    RequestRetrying: () => ({ ...file, retries: file.retries + 1 }),
    TooSlow: () => file,
    Restarted: () => ({ ...file, upload: Option.none(), sentBytes: 0, resumedBytes: 0 }),
    Completed: (): FileProgress => ({
      ...file,
      phase: "completed",
      sentBytes: file.totalBytes,
      timeLeft: Option.none()
    })
  })
