import type { PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as MimeType from "@effect-uploads/domain/MimeType"
import * as Upload from "@effect-uploads/domain/Upload"
import type { InvalidRequest, UploadAlreadyCompleted } from "@effect-uploads/domain/UploadError"
import { UploadExpired } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import type * as FilesService from "@effect-uploads/http/FilesService"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import type { ServiceError } from "@effect-uploads/http/ServiceError"
import { isServiceError, RequestTimeout } from "@effect-uploads/http/ServiceError"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { PartRange } from "../PartPlan.js"
import * as PartPlan from "../PartPlan.js"
import { SourceChanged } from "../SourceError.js"
import type { TransferError, TransferFailure } from "../TransferError.js"
import { TransferSuspended, UploadLeftPending } from "../TransferError.js"
import * as TransferEvent from "../TransferEvent.js"
import type * as TransferJournal from "../TransferJournal.js"
import type { JournalEntry } from "../TransferJournal.js"
import type { TransferOptions } from "../TransferOptions.js"
import { defaultRetryPolicy } from "../TransferOptions.js"
import * as ledgers from "./journalWriter.js"
import * as lanes from "./partSender.js"
import * as progresses from "./progress.js"
import type { Source } from "./source.js"

/** Everything that a transfer needs, with the defaults filled in. */
export interface Job {
  readonly source: Source
  readonly options: TransferOptions
  readonly uploads: UploadsService.Service
  /** Where a File is looked for whose completion was not heard. */
  readonly files: Option.Option<FilesService.Service>
  readonly journal: Option.Option<TransferJournal.Service>
  readonly limits: Limits
  /** None where nobody watches. */
  readonly watcher: Option.Option<(event: TransferEvent.TransferEvent) => Effect.Effect<void>>
}

/** An Upload and what is there of it. */
interface Live {
  readonly upload: Upload.Pending
  /** When this run took it up. */
  readonly since: DateTime.Utc
  /** Whether an earlier run created it. */
  readonly resumed: boolean
  readonly ranges: ReadonlyArray<PartRange>
  readonly acknowledged: Map<number, PartId>
  /** Whether the service may have a part that it was not heard to take. */
  readonly unheard: MutableRef.MutableRef<boolean>
}

/** The Upload is no more, and the transfer goes on with a new one. */
class UploadGone extends Data.TaggedError("UploadGone")<{ readonly uploadId: UploadId }> {}

export const run = (job: Job): Effect.Effect<Upload.Completed, TransferError> =>
  Effect.gen(function*() {
    const ledger = yield* ledgers.make(job.journal, job.source)
    const emit = Option.getOrElse(job.watcher, () => () => Effect.void)
    const attempt = (
      load: ledgers.JournalWriter["load"],
      first: boolean
    ): Effect.Effect<Upload.Completed, TransferError> =>
      Effect.catchTag(oneUpload(job, ledger, load, first), "UploadGone", ({ uploadId }) =>
        Effect.zipRight(
          emit(TransferEvent.Restarted({ replaced: uploadId })),
          attempt(Effect.succeedNone, false)
        ))
    const completed = yield* attempt(ledger.load, true)
    yield* emit(TransferEvent.Completed({ upload: completed }))
    return completed
  })

/** The life of one Upload: whatever happens, its end is known or said to be unknown. */
const oneUpload = (
  job: Job,
  ledger: ledgers.JournalWriter,
  load: ledgers.JournalWriter["load"],
  first: boolean
): Effect.Effect<Upload.Completed, TransferError | UploadGone> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const live = yield* begin(job, ledger, load, restore)
      const completing = yield* Ref.make(false)
      const exit = yield* Effect.exit(restore(work(job, ledger, live, completing)))
      if (Exit.isSuccess(exit)) return exit.value
      return yield* Option.match(Cause.failureOption(exit.cause), {
        onSome: (failure) =>
          Effect.flatMap(
            Ref.get(completing),
            (completing) => settle(job, ledger, live, { completing, first }, failure)
          ),
        onNone: () => Effect.zipRight(leave(job, ledger, live.upload), exit)
      })
    })
  )

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

// -----------------------------------------------------------------------------------------------------------------
// Begin
// -----------------------------------------------------------------------------------------------------------------

const defaultConcurrency = 4

const plan = ({ limits, options, source }: Job, partSize: number | undefined) =>
  PartPlan.make({
    bytes: source.bytes,
    concurrency: options.concurrency ?? defaultConcurrency,
    partSize,
    limits
  })

/** The Upload of an earlier run where a journal has one that can go on, else a new one. */
const begin = (
  job: Job,
  ledger: ledgers.JournalWriter,
  load: ledgers.JournalWriter["load"],
  restore: Restore
): Effect.Effect<Live, TransferError> =>
  Effect.gen(function*() {
    const ranges = yield* plan(job, job.options.partSize)
    const entry = yield* restore(load)
    if (Option.isSome(entry)) {
      const resumed = yield* resume(job, ledger, entry.value)
      if (Option.isSome(resumed)) return resumed.value
    }
    const upload = yield* create(job, restore)
    yield* ledger.begin(upload, ranges[0]?.bytes ?? job.source.bytes).pipe(
      Effect.catchAll((failure) => abandon(job, upload, failure))
    )
    return {
      upload,
      since: yield* DateTime.now,
      resumed: false,
      ranges,
      acknowledged: new Map(),
      unheard: MutableRef.make(false)
    }
  })

const resume = (
  job: Job,
  ledger: ledgers.JournalWriter,
  { acknowledged, modifiedAt, partSize, upload }: JournalEntry
): Effect.Effect<Option.Option<Live>, TransferError> =>
  Effect.gen(function*() {
    const { source } = job
    const now = yield* DateTime.now
    if (Upload.at(upload, now).status === "expired") {
      yield* ledger.close
      return Option.none()
    }
    const difference = upload.bytes !== source.bytes
      ? Option.some("size" as const)
      : Option.exists(source.identity, (identity) => identity.modifiedAt !== modifiedAt)
      ? Option.some("modification time" as const)
      : Option.none()
    if (Option.isSome(difference)) {
      return yield* abandon(
        job,
        upload,
        new SourceChanged({ name: source.name, difference: difference.value })
      ).pipe(
        // The earlier run was done after all: this one is another transfer.
        Effect.catchTag("UploadAlreadyCompleted", () => Effect.succeedNone),
        Effect.ensuring(ledger.close)
      )
    }
    const ranges = plan(job, partSize)
    if (Either.isLeft(ranges)) {
      // The limits are no longer those of the earlier run.
      yield* Effect.ensuring(drop(job, upload), ledger.close)
      return Option.none()
    }
    return Option.some({
      upload,
      since: now,
      resumed: true,
      ranges: ranges.right,
      acknowledged: new Map(acknowledged.map(({ index, partId }) => [index, partId])),
      unheard: MutableRef.make(false)
    })
  })

/** Where the interruption comes while the answer is on its way, the Upload is waited for, to be cancelled. */
const create = (job: Job, restore: Restore): Effect.Effect<Upload.Pending, TransferError> =>
  Effect.gen(function*() {
    const { options, source, uploads } = job
    const filename = options.filename ?? source.filename
    const creating = yield* uploads.create({
      filename,
      purpose: options.purpose,
      bytes: source.bytes,
      mimeType: options.mimeType ??
        Option.getOrElse(MimeType.infer(filename, options.purpose), () => "application/octet-stream"),
      expiresAfter: options.expiresAfter
    }).pipe(Effect.interruptible, Effect.forkDaemon)
    return yield* restore(Fiber.join(creating)).pipe(
      Effect.onInterrupt(() =>
        unhurried(
          Fiber.join(creating).pipe(
            Effect.interruptible,
            Effect.timeoutOption(cancelTimeout(job)),
            Effect.flatMap(
              Option.match({ onNone: () => Fiber.interrupt(creating), onSome: (upload) => drop(job, upload) })
            ),
            Effect.ignore
          )
        )
      )
    )
  })

// -----------------------------------------------------------------------------------------------------------------
// Work
// -----------------------------------------------------------------------------------------------------------------

const work = (
  job: Job,
  ledger: ledgers.JournalWriter,
  live: Live,
  completing: Ref.Ref<boolean>
): Effect.Effect<Upload.Completed, TransferFailure> =>
  Effect.gen(function*() {
    const { options, source, uploads, watcher } = job
    const { acknowledged, ranges, resumed, unheard, upload } = live
    const concurrency = options.concurrency ?? defaultConcurrency
    const emit = Option.getOrElse(watcher, () => () => Effect.void)
    const progress = progresses.make(source.bytes)
    const missing = ranges.filter(({ index }) => !acknowledged.has(index))
    for (const { bytes, index } of ranges) {
      if (acknowledged.has(index)) progress.add(index, bytes)
    }
    yield* emit(TransferEvent.Started({ upload, parts: ranges.length, resumedBytes: progress.sent() }))
    if (Option.isSome(watcher)) yield* Effect.forkScoped(progresses.watch(progress, upload.expiresAt, emit))

    const { send } = yield* lanes.make({
      uploads,
      uploadId: upload.id,
      explain: source.explain,
      progress,
      onUnheard: () => MutableRef.set(unheard, true),
      stallTimeout: Duration.decode(options.stallTimeout ?? "60 seconds"),
      retryPolicy: options.retryPolicy ?? defaultRetryPolicy,
      emit
    })
    const { md5, parts } = yield* source.open({ ranges: missing, concurrency, checksum: options.checksum ?? true })
    const sending = parts.pipe(
      Stream.mapEffect((part) =>
        Effect.gen(function*() {
          const sent = yield* Effect.ensuring(send(part), part.release)
          acknowledged.set(part.range.index, sent.id)
          yield* ledger.acknowledge(part.range.index, sent.id)
          yield* emit(TransferEvent.PartDone({ index: part.range.index, part: sent, bytes: part.range.bytes }))
        }), { concurrency, unordered: true }),
      Stream.runDrain
    )
    const [digest] = yield* Effect.all([md5, sending], { concurrency: 2 })

    yield* source.verify
    yield* Ref.set(completing, true)
    const completed = yield* uploads.complete(upload.id, {
      partIds: ranges.flatMap(({ index }) => Option.toArray(Option.fromNullable(acknowledged.get(index)))),
      ...Option.match(digest, { onNone: () => ({}), onSome: (md5) => ({ md5 }) })
    }).pipe(
      // What an earlier run sent was of another content, though size and time are the same.
      Effect.mapError((error) =>
        resumed && error._tag === "ChecksumMismatch"
          ? new SourceChanged({ name: source.name, difference: "content" })
          : error
      )
    )
    yield* ledger.close
    return completed
  }).pipe(
    Effect.scoped,
    before(live.upload)
  )

/** The hour of the Upload is over at the instant, whatever is under way. */
const before = (upload: Upload.Pending) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(DateTime.now, (now) =>
    Effect.timeoutFail(effect, {
      duration: Duration.millis(Math.max(0, DateTime.distance(now, upload.expiresAt))),
      onTimeout: () => new UploadExpired({ uploadId: upload.id, expiredAt: upload.expiresAt })
    }))

// -----------------------------------------------------------------------------------------------------------------
// End
// -----------------------------------------------------------------------------------------------------------------

const cancelTimeout = ({ options }: Job): Duration.Duration => Duration.decode(options.cancelTimeout ?? "30 seconds")

/** What a failed transfer leaves. */
const settle = (
  job: Job,
  ledger: ledgers.JournalWriter,
  { resumed, since, unheard, upload }: Live,
  { completing, first }: { readonly completing: boolean; readonly first: boolean },
  failure: TransferFailure
): Effect.Effect<Upload.Completed, TransferError | UploadGone> => {
  const gone = new UploadGone({ uploadId: upload.id })
  const closed = Effect.ensuring(ledger.close)
  const abandoned = abandon(job, upload, failure).pipe(
    Effect.catchTag(
      "UploadAlreadyCompleted",
      (error) => completing ? findCompleted(job, upload, error) : Effect.fail(error)
    ),
    closed
  )
  switch (failure._tag) {
    case "UploadAlreadyCompleted":
      // An attempt of ours, perhaps of an earlier run, did it, and its answer was lost.
      return closed(findCompleted(job, upload, failure))
    case "UploadNotFound":
    case "UploadAlreadyCancelled":
      return closed(Effect.fail(resumed ? gone : failure))
    case "UploadSizeExceeded": {
      // The service has a part that it was not heard to take, and that was sent again: a new Upload has room. Once, because
      // all is sent again.
      const restart = resumed || first && MutableRef.get(unheard)
      return Effect.catchTag(abandoned, "UploadSizeExceeded", (error) => Effect.fail(restart ? gone : error))
    }
    case "UploadExpired": {
      // One that had expired when it was new says that the clocks differ: the next one would be no better.
      const restart = job.options.onExpiry === "restart" && DateTime.lessThan(since, upload.expiresAt)
      // A completion that was under way may have been in time.
      return (completing ? abandoned : closed(Effect.fail(failure))).pipe(
        Effect.catchTag("UploadExpired", (error) => Effect.fail(restart ? gone : error))
      )
    }
  }
  const mayPass = isServiceError(failure) || failure._tag === "TransferStalled"
  return ledger.isKept && mayPass
    ? new TransferSuspended({ uploadId: upload.id, expiresAt: upload.expiresAt, failure })
    : abandoned
}

/** Cancels the Upload of a transfer that failed, and fails with what that leaves. */
const abandon = (
  job: Job,
  upload: Upload.Pending,
  failure: TransferFailure
): Effect.Effect<never, TransferError> =>
  cancel(job, upload).pipe(
    Effect.catchIf(
      (error) => error._tag !== "UploadAlreadyCompleted",
      (cancelFailure) =>
        new UploadLeftPending({ uploadId: upload.id, expiresAt: upload.expiresAt, failure, cancelFailure })
    ),
    Effect.zipRight(Effect.fail(failure))
  )

/**
 * Cancels, within a bound and as often as it takes. That the Upload is gone already is as good. What is left is in the log too:
 * an interruption takes the place of an error.
 */
const cancel = (
  job: Job,
  upload: Upload.Pending
): Effect.Effect<void, UploadAlreadyCompleted | InvalidRequest | ServiceError> => {
  const timeout = cancelTimeout(job)
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
    Effect.tapError((error) =>
      Effect.annotateLogs(
        Effect.logWarning(`A transfer that is given up could not cancel its Upload: ${error.message}`),
        { uploadId: upload.id, expiresAt: DateTime.formatIso(upload.expiresAt) }
      )
    ),
    unhurried
  )
}

/**
 * To its end, whoever interrupts meanwhile: an interruption reaches the children of a fiber even where the fiber itself is
 * uninterruptible, and a timeout runs in one.
 */
const unhurried = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(effect), Fiber.join))

/** Cancels where nobody is there any more to be told an error. */
const drop = (job: Job, upload: Upload.Pending): Effect.Effect<void> => Effect.ignore(cancel(job, upload))

/** After an interruption a transfer with a journal can go on, any other is over. */
const leave = (job: Job, ledger: ledgers.JournalWriter, upload: Upload.Pending): Effect.Effect<void> =>
  ledger.isKept ? Effect.void : drop(job, upload)

/** The Upload that was completed without our hearing of it, where its File can be found beyond doubt. */
const findCompleted = (
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
