import * as Upload from "@effect-uploads/domain/Upload"
import type { InvalidRequest, UploadAlreadyCompleted } from "@effect-uploads/domain/UploadError"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import { RequestTimeout, ServiceError } from "@effect-uploads/http/ServiceError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { TransferError, TransferFailure } from "../TransferError.js"
import { TransferSuspended, UploadLeftPending } from "../TransferError.js"
import type { ActiveUpload, Job } from "./job.js"
import { cancelTimeoutOf, Restart } from "./job.js"
import * as lifetime from "./lifetime.js"

// -----------------------------------------------------------------------------------------------------------------
// The outcome of a failure
// -----------------------------------------------------------------------------------------------------------------

/**
 * - `fail`: the Upload has ended already.
 * - `cancelAndFail`: the Upload is cancelled first.
 * - `restart`, `cancelAndRestart`: the same, and the transfer continues from zero with a new Upload.
 * - `findFile`: the Upload is completed; its File is looked up.
 * - `suspend`: the Upload stays, because the journal can resume it.
 */
type Outcome = "fail" | "cancelAndFail" | "restart" | "cancelAndRestart" | "findFile" | "suspend"

/** The state of the transfer when it fails. */
interface State {
  /** An earlier run created the Upload. */
  readonly resumed: boolean
  /** No other Upload came before this one in the same run. */
  readonly isFirst: boolean
  /** The service may have stored a part that it did not acknowledge. */
  readonly hasAmbiguousPart: boolean
  /** The request to complete the Upload was made. */
  readonly isCompleting: boolean
  /** The caller asked for a new Upload in place of an expired one. */
  readonly restartsOnExpiry: boolean
  readonly hasJournal: boolean
}

interface Rule {
  readonly failures: ReadonlyArray<TransferFailure["_tag"]>
  readonly when?: (state: State) => boolean
  readonly outcome: Outcome
}

const transientFailures = [...ServiceError.members.map(({ _tag }) => _tag), "TransferStalled" as const]

/** The first rule that matches decides. A failure without a rule has the outcome `cancelAndFail`. */
const rules: ReadonlyArray<Rule> = [
  // An attempt completed the Upload, perhaps in an earlier run, and its response was lost.
  { failures: ["UploadAlreadyCompleted"], outcome: "findFile" },

  { failures: ["UploadNotFound", "UploadAlreadyCancelled"], when: ({ resumed }) => resumed, outcome: "restart" },
  { failures: ["UploadNotFound", "UploadAlreadyCancelled"], outcome: "fail" },

  // The service counts a stored part that it did not acknowledge, and its repetition. A new Upload has room for all parts.
  {
    failures: ["UploadSizeExceeded"],
    when: ({ hasAmbiguousPart, isFirst, resumed }) => resumed || isFirst && hasAmbiguousPart,
    outcome: "cancelAndRestart"
  },

  // It is cancelled all the same: the service's clock may be behind, and a completion that was under way may have been in time.
  { failures: ["UploadExpired"], when: ({ restartsOnExpiry }) => restartsOnExpiry, outcome: "cancelAndRestart" },

  { failures: transientFailures, when: ({ hasJournal }) => hasJournal, outcome: "suspend" }
]

const decideOutcome = (failure: TransferFailure, state: State): Outcome =>
  rules.find(({ failures, when }) => failures.includes(failure._tag) && (when?.(state) ?? true))?.outcome ??
    "cancelAndFail"

/** Ends the Upload of a failed transfer as {@link decideOutcome} says. */
export const onFailure = (
  job: Job,
  { hasAmbiguousPart, resumed, upload }: ActiveUpload,
  failure: TransferFailure,
  { isCompleting, isFirst }: Pick<State, "isCompleting" | "isFirst">
): Effect.Effect<Upload.Completed, TransferError | Restart> => {
  const { journal, options } = job
  const restart = new Restart({ replaced: upload.id })
  /** A File may be found after all. */
  const closing = Effect.onExit<Upload.Completed, TransferError | Restart, void, never>(
    Exit.match({ onFailure: () => journal.close, onSuccess: journal.finish })
  )
  const cancelled = cancelAndFail(job, upload, failure).pipe(
    Effect.catchTag(
      "UploadAlreadyCompleted",
      (error) => isCompleting ? findFile(job, upload, error) : Effect.fail(error)
    )
  )
  const outcome = decideOutcome(failure, {
    resumed,
    isFirst,
    isCompleting,
    hasAmbiguousPart: MutableRef.get(hasAmbiguousPart),
    // After an Upload without a lifetime the next one would expire too.
    restartsOnExpiry: options.onExpiry === "restart" && lifetime.ofUpload(upload) > 0,
    hasJournal: journal.isEnabled
  })
  switch (outcome) {
    case "suspend":
      return new TransferSuspended({ uploadId: upload.id, expiresAt: upload.expiresAt, failure })
    case "fail":
      return Effect.ensuring(Effect.fail(failure), journal.close)
    case "restart":
      return Effect.ensuring(restart, journal.close)
    case "cancelAndFail":
      return closing(cancelled)
    case "cancelAndRestart":
      return closing(Effect.mapError(cancelled, (error) => error === failure ? restart : error))
    case "findFile":
      return Effect.fail(failure).pipe(
        Effect.catchTag("UploadAlreadyCompleted", (error) => findFile(job, upload, error)),
        closing
      )
  }
}

/** With a journal the transfer can be resumed later. Without one the Upload is cancelled. */
export const onInterrupt = (job: Job, upload: Upload.Pending): Effect.Effect<void> =>
  job.journal.isEnabled ? Effect.void : cancelQuietly(job, upload)

// -----------------------------------------------------------------------------------------------------------------
// Cancel
// -----------------------------------------------------------------------------------------------------------------

/** Cancels the Upload, then fails with `failure`, or with the reason for which the Upload is still there. */
export const cancelAndFail = (
  job: Job,
  upload: Upload.Pending,
  failure: TransferFailure
): Effect.Effect<never, TransferError> =>
  cancel(job, upload).pipe(
    // A completed Upload is the error itself, or the result if its File is found.
    Effect.tapError((error) => error._tag === "UploadAlreadyCompleted" ? Effect.void : warn(upload)(error)),
    Effect.catchIf(
      (error) => error._tag !== "UploadAlreadyCompleted",
      (cancelFailure) =>
        new UploadLeftPending({ uploadId: upload.id, expiresAt: upload.expiresAt, failure, cancelFailure })
    ),
    Effect.zipRight(Effect.fail(failure))
  )

/** Cancels the Upload when no caller is left to receive an error. */
export const cancelQuietly = (job: Job, upload: Upload.Pending): Effect.Effect<void> =>
  Effect.ignore(Effect.tapError(cancel(job, upload), warn(upload)))

/**
 * Cancels the Upload, with retries, within the cancel timeout. An Upload that has expired or was cancelled counts as cancelled.
 */
const cancel = (
  job: Job,
  upload: Upload.Pending
): Effect.Effect<void, UploadAlreadyCompleted | InvalidRequest | ServiceError> => {
  const timeout = cancelTimeoutOf(job)
  return job.uploads.cancel(upload.id).pipe(
    Effect.retry({ while: RetryPolicy.isRetryable, schedule: Schedule.exponential("500 millis") }),
    Effect.catchTags({
      UploadNotFound: () => Effect.void,
      UploadAlreadyCancelled: () => Effect.void,
      UploadExpired: () => Effect.void
    }),
    Effect.asVoid,
    Effect.interruptible,
    Effect.timeoutFail({ duration: timeout, onTimeout: () => new RequestTimeout({ after: timeout }) }),
    runToCompletion
  )
}

/** Logged too, because an interrupted caller receives no error. */
const warn = (upload: Upload.Pending) => (error: Error) =>
  Effect.annotateLogs(
    Effect.logWarning(`The Upload of an unfinished transfer could not be cancelled: ${error.message}`),
    { uploadId: upload.id, expiresAt: DateTime.formatIso(upload.expiresAt) }
  )

/**
 * Runs to completion even if the caller is interrupted: `forkDaemon` and `join`, because child fibers are interrupted even
 * inside an uninterruptible region, and `timeoutFail` runs its effect in a child.
 */
export const runToCompletion = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(effect), Fiber.join))

// -----------------------------------------------------------------------------------------------------------------
// Find the File
// -----------------------------------------------------------------------------------------------------------------

/**
 * Finds the File of an Upload that was completed although the response was lost: by its id, or as the only File of the same
 * name, size and creation time. Fails with `error` when there is no such File or more than one.
 */
const findFile = (
  { files, options }: Job,
  upload: Upload.Pending,
  error: UploadAlreadyCompleted
): Effect.Effect<Upload.Completed, UploadAlreadyCompleted> =>
  Effect.gen(function*() {
    if (Option.isNone(files)) return yield* error
    const { list, retrieve } = files.value
    if (error.fileId !== undefined) return Upload.complete(upload, yield* retrieve(error.fileId))
    const candidates = yield* list({ purpose: options.purpose, order: "desc", limit: 100 }).pipe(
      Stream.takeWhile(({ createdAt }) => DateTime.greaterThanOrEqualTo(createdAt, upload.createdAt)),
      Stream.filter(({ bytes, createdAt, filename }) =>
        filename === upload.filename && bytes === upload.bytes && Equal.equals(createdAt, upload.createdAt)
      ),
      Stream.take(2),
      Stream.runCollect
    )
    const [file, another] = candidates
    return file === undefined || another !== undefined ? yield* error : Upload.complete(upload, file)
  }).pipe(Effect.mapError(() => error), Effect.interruptible)
