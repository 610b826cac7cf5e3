import type { DeleteError, ListError } from "@effect-uploads/http/FilesService"
import type { TransferError } from "@effect-uploads/transfer/TransferError"
import * as DateTime from "effect/DateTime"
import * as Match from "effect/Match"
import { size, timeOfDay } from "./format.js"

export type PageError = TransferError | ListError | DeleteError

/** With a full stop. */
export const inFull = (message: string): string => /[.!?]$/.test(message) ? message : `${message}.`

/** What happened, and what to do about it, in one sentence for a person. */
export const sentenceOf: (error: PageError) => string = Match.type<PageError>().pipe(
  Match.withReturnType<string>(),
  Match.tags({
    Unauthenticated: () => "The server does not accept this key.",
    PermissionDenied: ({ response }) => inFull(response?.message ?? "This key may not do that"),
    QuotaExceeded: () => "The quota of this key is used up.",
    RateLimited: () => "The server has too many requests, so try again in a moment.",
    ServiceUnavailable: () => "The server is not available at the moment.",
    RequestTimeout: () => "The server did not respond in time.",
    TransportFailed: () => "The connection to the server broke.",
    TransferStalled: () => "The connection took no more bytes.",
    SourceEmpty: ({ name }) => `${name} is empty, and a File has at least one byte.`,
    SourceTooLarge: ({ limit, name }) => `${name} has more than the ${size(limit)} that an Upload can hold.`,
    SourceChanged: ({ name }) => `${name} has changed since it was first sent, so choose it again to start anew.`,
    SourceUnreadable: ({ name }) =>
      `The browser can no longer read ${name}: it was changed, moved or deleted. Choose it again to send it.`,
    PartTooLarge: ({ limit }) =>
      limit === undefined
        ? "The parts are too large for the server."
        : `The server takes parts of ${size(limit)} at most.`,
    UploadSizeExceeded: () => "The server has no room left in this Upload, so send the file again.",
    UploadExpired: () => "The Upload expired before it was complete, so send the file again.",
    UploadNotFound: () => "The Upload no longer exists, so send the file again.",
    UploadAlreadyCancelled: () => "The Upload was cancelled somewhere else.",
    ChecksumMismatch: () => "The server received other bytes than this file has, so send it again.",
    FileNotFound: () => "The File does not exist any more.",
    TransferInProgress: ({ name }) => `${name} is being sent in another tab, and goes on there.`,
    JournalFailed: () =>
      "The browser has no room left to remember this transfer. Clear the data of this site in its settings, and send the file again.",
    TransferSuspended: ({ expiresAt, failure }) =>
      `${sentenceOf(failure)} Resume until ${timeOfDay(DateTime.toEpochMillis(expiresAt))}.`,
    UploadLeftPending: ({ expiresAt, failure }) =>
      `${sentenceOf(failure)} What was sent is removed at ${timeOfDay(DateTime.toEpochMillis(expiresAt))}.`
  }),
  Match.orElse(({ message }) => inFull(message))
)

/** Whether a key is needed, or another one. */
export const needsKey = (error: PageError): boolean =>
  error._tag === "Unauthenticated" || error._tag === "TransferSuspended" && error.failure._tag === "Unauthenticated"

/** What a user can do about a transfer that failed: send the file again, choose it again, or nothing. */
export type Remedy = "send" | "choose" | "none"

export const remedyOf = (error: PageError): Remedy => {
  switch (error._tag) {
    case "SourceEmpty":
    case "SourceTooLarge":
    case "TransferInProgress":
      return "none"
    case "SourceChanged":
    case "SourceUnreadable":
      return "choose"
    case "UploadLeftPending":
      return remedyOf(error.failure)
    default:
      return "send"
  }
}
