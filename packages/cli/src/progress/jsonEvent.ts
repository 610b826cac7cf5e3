import type * as Upload from "@effect-uploads/domain/Upload"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Description } from "../describeError.js"
import type { Total } from "./bars.js"

/*
 * The events of `uploads put --json`, one a line: `event` is the kind, `file` the path. Times are in seconds, sizes in bytes,
 * moments in ISO 8601.
 */

const seconds = (duration: Duration.Duration): number => Math.round(Duration.toMillis(duration)) / 1000

export const ofTransfer = (file: string, event: TransferEvent.TransferEvent): object =>
  TransferEvent.$match(event, {
    Started: ({ parts, resumedBytes, upload }) => ({
      event: "started",
      file,
      uploadId: upload.id,
      bytes: upload.bytes,
      parts,
      resumedBytes,
      expiresAt: DateTime.formatIso(upload.expiresAt)
    }),
    Progress: ({ bytesPerSecond, repeatedBytes, sentBytes, timeLeft, totalBytes }) => ({
      event: "progress",
      file,
      sentBytes,
      totalBytes,
      repeatedBytes,
      bytesPerSecond: Math.round(bytesPerSecond),
      secondsLeft: Option.getOrNull(Option.map(timeLeft, seconds))
    }),
    PartDone: ({ bytes, index, part }) => ({ event: "part", file, index, partId: part.id, bytes }),
    Retrying: ({ attempt, delay, index, reason }) => ({
      event: "retrying",
      file,
      index,
      attempt,
      reason: reason.message,
      delay: seconds(delay)
    }),
    RequestRetrying: ({ attempt, delay, reason, request }) => ({
      event: "requestRetrying",
      file,
      request,
      attempt,
      reason: reason.message,
      delay: seconds(delay)
    }),
    TooSlow: ({ expectedAt, expiresAt }) => ({
      event: "tooSlow",
      file,
      expectedAt: DateTime.formatIso(expectedAt),
      expiresAt: DateTime.formatIso(expiresAt)
    }),
    Restarted: ({ replaced }) => ({ event: "restarted", file, replacedUploadId: replaced }),
    Completed: ({ upload }) => ofCompleted(file, upload)
  })

const ofCompleted = (file: string, { bytes, file: { id }, id: uploadId }: Upload.Completed): object => ({
  event: "completed",
  file,
  uploadId,
  fileId: id,
  bytes
})

export const ofTotal = (total: Total): object => ({
  event: "total",
  sentBytes: total.sentBytes,
  totalBytes: total.totalBytes,
  endedFiles: total.endedFiles,
  totalFiles: total.totalFiles,
  bytesPerSecond: Math.round(total.bytesPerSecond),
  secondsLeft: Option.getOrNull(Option.map(total.timeLeft, seconds))
})

export const ofFailure = (file: string, { exitCode, name, requestId, sentence }: Description): object => ({
  event: "failed",
  file,
  error: name,
  message: Option.getOrNull(sentence),
  requestId: Option.getOrNull(requestId),
  exitCode
})

export const ofProcessed = (file: string, fileId: string): object => ({ event: "processed", file, fileId })
