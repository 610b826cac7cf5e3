import type { FileObject } from "@effect-uploads/domain/FileObject"
import type { UploadId } from "@effect-uploads/domain/Ids"
import type { Unfinished } from "@effect-uploads/transfer/BrowserUploads"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { dateAndTime, size } from "./format.js"
import type { PageError, Remedy } from "./sentence.js"
import { inFull, needsKey, remedyOf, sentenceOf } from "./sentence.js"

/*
 * One file on its way, as the page shows it.
 */

export type PartState = "waiting" | "sending" | "retrying" | "done"

/** One cell of the picture. */
export interface Part {
  readonly state: PartState
  /** From 0 to 1. */
  readonly fill: number
  /** The number of attempts that failed. */
  readonly failures: number
}

/**
 * - `Waiting`: others are sent before it.
 * - `Away`: an earlier visit of the page left it. Only the user can choose its file again.
 * - `Offline`: it goes on when the browser is online again.
 * - `Suspended`: the transfer ended for a reason that may pass.
 */
export type Status = Data.TaggedEnum<{
  Waiting: object
  Starting: object
  Sending: object
  Verifying: object
  Paused: object
  Offline: object
  Suspended: { readonly reason: string; readonly needsKey: boolean }
  Away: object
  Failed: { readonly reason: string; readonly needsKey: boolean; readonly remedy: Remedy }
  Cancelled: object
  Completed: { readonly file: FileObject }
}>

export const Status = Data.taggedEnum<Status>()

export interface Item {
  readonly id: number
  readonly name: string
  readonly bytes: number
  readonly modifiedAt: number
  readonly purpose: string
  readonly expiresAfter: Option.Option<Duration.Duration>
  /** None until it is chosen again. */
  readonly file: Option.Option<File>
  readonly uploadId: Option.Option<UploadId>
  readonly expiresAt: Option.Option<number>
  readonly parts: ReadonlyArray<Part>
  readonly sentBytes: number
  readonly repeatedBytes: number
  readonly bytesPerSecond: number
  /** The last rates, for the curve. */
  readonly rates: ReadonlyArray<number>
  readonly timeLeft: Option.Option<Duration.Duration>
  /** What just happened, for example why a part is sent again. */
  readonly notice: Option.Option<string>
  readonly status: Status
}

const waiting: Part = { state: "waiting", fill: 0, failures: 0 }
const done: Part = { state: "done", fill: 1, failures: 0 }

const MiB = 1024 * 1024

/** Small parts make a picture that moves, and lose little when a connection breaks. Each costs a request. */
export const partSizeOf = (bytes: number): number =>
  Math.min(64 * MiB, Math.max(4 * MiB, Math.ceil(bytes / 64 / MiB) * MiB))

const rateSamples = 60

const modify = (parts: ReadonlyArray<Part>, index: number, change: (part: Part) => Part): ReadonlyArray<Part> =>
  Arr.modify(parts, index, change)

export const ofFile = (
  id: number,
  file: File,
  { expiresAfter, purpose }: Pick<Item, "purpose" | "expiresAfter">
): Item => ({
  id,
  name: file.name,
  bytes: file.size,
  modifiedAt: file.lastModified,
  purpose,
  expiresAfter,
  file: Option.some(file),
  uploadId: Option.none(),
  expiresAt: Option.none(),
  // The picture has its size from the start, so that nothing moves when the transfer begins.
  parts: Array.from({ length: Math.ceil(file.size / partSizeOf(file.size)) }, () => waiting),
  sentBytes: 0,
  repeatedBytes: 0,
  bytesPerSecond: 0,
  rates: [],
  timeLeft: Option.none(),
  notice: Option.none(),
  status: Status.Waiting()
})

/** None for a transfer whose Upload was never created: there is nothing to resume. */
export const ofUnfinished = (id: number, { entry }: Unfinished): Option.Option<Item> =>
  Option.map(entry.upload, (upload) => {
    const count = Math.ceil(entry.bytes / entry.partSize)
    const sent = new Set(entry.acknowledged.map(({ index }) => index))
    const parts = Arr.makeBy(count, (index) => sent.has(index) ? done : waiting)
    const bytesOf = (index: number) => Math.min(entry.partSize, entry.bytes - index * entry.partSize)
    return {
      id,
      name: upload.filename,
      bytes: entry.bytes,
      modifiedAt: entry.modifiedAt,
      purpose: upload.purpose,
      expiresAfter: Option.none(),
      file: Option.none(),
      uploadId: Option.some(upload.id),
      expiresAt: Option.some(DateTime.toEpochMillis(upload.expiresAt)),
      parts,
      sentBytes: [...sent].reduce((sum, index) => sum + bytesOf(index), 0),
      repeatedBytes: 0,
      bytesPerSecond: 0,
      rates: [],
      timeLeft: Option.none(),
      notice: Option.none(),
      status: Status.Away()
    }
  })

/** A journal recognizes a file by these. */
const identity = (name: string, bytes: number, modifiedAt: number): string => `${bytes}/${modifiedAt}/${name}`

export const identityOf = ({ bytes, modifiedAt, name }: Item): string => identity(name, bytes, modifiedAt)

export const identityOfFile = ({ lastModified, name, size }: File): string => identity(name, size, lastModified)

/** Why a file cannot go on where another one stopped. */
export const whyNot = ({ bytes, modifiedAt, name }: Item, file: File): string =>
  file.name === name
    ? `This ${name} has changed since it was first sent. Drop it to send it from the start.`
    : `${file.name} is another file. Choose ${name} with ${size(bytes)}, last changed ${dateAndTime(modifiedAt)}.`

export const isConnectionLost = (error: PageError): boolean =>
  error._tag === "TransportFailed" || error._tag === "TransferSuspended" && error.failure._tag === "TransportFailed"

export const isWaiting = ({ status }: Item): boolean => status._tag === "Waiting"

/** Whether it can go on by itself once the connection is back. */
export const isCutOff = ({ status }: Item): boolean =>
  status._tag === "Offline" || status._tag === "Suspended" && !status.needsKey

export const isRunning = ({ status }: Item): boolean =>
  status._tag === "Starting" || status._tag === "Sending" || status._tag === "Verifying"

export const hasEnded = ({ status }: Item): boolean =>
  status._tag === "Completed" || status._tag === "Cancelled" || status._tag === "Failed"

/** The item after it stopped, with its acknowledged parts. */
export const stopped = (item: Item, status: Status): Item => ({
  ...item,
  status,
  bytesPerSecond: 0,
  timeLeft: Option.none(),
  notice: Option.none(),
  parts: item.parts.map((part) => part.state === "done" ? part : waiting)
})

/** The item when it is to be sent, or to go on. */
export const waitingAgain = (item: Item): Item => ({ ...item, status: Status.Waiting(), notice: Option.none() })

/** The item after an event of its transfer. */
export const onEvent = (item: Item, event: TransferEvent.TransferEvent): Item =>
  TransferEvent.$match(event, {
    Started: ({ parts, resumed, resumedBytes, upload }): Item => {
      const sent = new Set(resumed)
      return {
        ...item,
        status: Status.Sending(),
        uploadId: Option.some(upload.id),
        expiresAt: Option.some(DateTime.toEpochMillis(upload.expiresAt)),
        parts: Arr.makeBy(parts, (index) => sent.has(index) ? done : waiting),
        sentBytes: resumedBytes
      }
    },
    Progress: ({ bytesPerSecond, repeatedBytes, sending, sentBytes, timeLeft }): Item => {
      const partBytes = item.bytes / Math.max(1, item.parts.length)
      return {
        ...item,
        sentBytes,
        repeatedBytes,
        bytesPerSecond,
        timeLeft,
        rates: [...item.rates, bytesPerSecond].slice(-rateSamples),
        parts: sending.reduce(
          (parts, { index, sentBytes }) =>
            modify(parts, index, (part) =>
              part.state === "done" ? part : { ...part, state: "sending", fill: Math.min(1, sentBytes / partBytes) }),
          item.parts
        )
      }
    },
    PartDone: ({ index }): Item => {
      const parts = modify(item.parts, index, (part) => ({ ...part, state: "done", fill: 1 }))
      const isLast = parts.every(({ state }) =>
        state === "done"
      )
      return {
        ...item,
        parts,
        ...(isLast ? { status: Status.Verifying(), sentBytes: item.bytes, notice: Option.none() } : {})
      }
    },
    Retrying: ({ attempt, index, reason }): Item => ({
      ...item,
      notice: Option.some(`Part ${index + 1} is sent again. ${inFull(reason.message)}`),
      parts: modify(item.parts, index, () => ({ state: "retrying", fill: 0, failures: attempt }))
    }),
    RequestRetrying: ({ reason, request }): Item => ({
      ...item,
      notice: Option.some(
        `The ${request === "create" ? "start" : "completion"} of the Upload is tried again: ${reason.message}`
      )
    }),
    TooSlow: (): Item => ({
      ...item,
      notice: Option.some("At this rate the Upload expires before it is complete.")
    }),
    Restarted: (): Item => ({
      ...item,
      notice: Option.some("The Upload no longer exists, so the file is sent from the start."),
      parts: item.parts.map(() =>
        waiting
      )
    }),
    Completed: ({ upload }): Item => ({
      ...stopped(item, Status.Completed({ file: upload.file })),
      sentBytes: item.bytes,
      parts: item.parts.map(({ failures }) => ({ ...done, failures }))
    })
  })

export const onFailure = (item: Item, error: PageError): Item =>
  error._tag === "TransferSuspended"
    ? stopped(item, Status.Suspended({ reason: sentenceOf(error), needsKey: needsKey(error) }))
    : stopped(
      item,
      Status.Failed({ reason: sentenceOf(error), needsKey: needsKey(error), remedy: remedyOf(error) })
    )
