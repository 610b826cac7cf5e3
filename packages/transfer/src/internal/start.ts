import { randomHexDigits } from "@effect-uploads/domain/Ids"
import { Md5 } from "@effect-uploads/domain/Md5"
import * as MimeType from "@effect-uploads/domain/MimeType"
import type * as Upload from "@effect-uploads/domain/Upload"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as IdempotencyKey from "@effect-uploads/http/IdempotencyKey"
import { isAmbiguousFailure } from "@effect-uploads/http/ServiceError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as PartPlan from "../PartPlan.js"
import { SourceChanged } from "../SourceError.js"
import type { TransferError } from "../TransferError.js"
import type { JournalEntry } from "../TransferJournal.js"
import { cancelAndFail, cancelQuietly, runToCompletion } from "./cleanup.js"
import type { ActiveUpload, Job } from "./job.js"
import { cancelTimeoutOf, concurrencyOf, emitRetries, hasMd5 } from "./job.js"
import * as lifetime from "./lifetime.js"

export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Obtains the Upload to fill. */
export type Begin = (job: Job, restore: Restore) => Effect.Effect<ActiveUpload, TransferError>

/** Resumes the Upload of the journal, if it has one that can still be completed. Creates a new one otherwise. */
export const resumeOrCreate: Begin = (job, restore) =>
  Effect.gen(function*() {
    // Invalid options are reported before any request.
    yield* plan(job, job.options.partSize)
    yield* checkMd5(job)
    yield* Effect.forEach(timeouts, checkTimeout(job), { discard: true })
    const entry = yield* restore(job.journal.load)
    if (Option.isNone(entry) || Option.isSome(entry.value.completed)) return yield* create(job, restore)
    const { upload } = entry.value
    if (Option.isNone(upload)) return yield* createAgain(job, restore, entry.value)
    const resumed = yield* resume(job, entry.value, upload.value)
    return Option.isSome(resumed) ? resumed.value : yield* create(job, restore)
  })

export const create: Begin = (job, restore) =>
  Effect.flatMap(randomHexDigits, (key) => createWithKey(job, restore, key, Option.none()))

/**
 * An earlier run asked for an Upload and did not record the response. The same request with the same idempotency key returns
 * the Upload that the service may have created.
 */
const createAgain = (
  job: Job,
  restore: Restore,
  entry: JournalEntry
): Effect.Effect<ActiveUpload, TransferError> =>
  Option.isSome(differenceOf(job, entry))
    ? create(job, restore)
    : createWithKey(job, restore, entry.idempotencyKey, Option.some(entry)).pipe(
      // The options differ from those of the earlier run, whose Upload expires by itself.
      Effect.catchIf(isKeyReused, () => create(job, restore))
    )

const createWithKey = (
  job: Job,
  restore: Restore,
  idempotencyKey: string,
  earlier: Option.Option<JournalEntry>
): Effect.Effect<ActiveUpload, TransferError> =>
  Effect.gen(function*() {
    const { journal, source } = job
    const ranges = yield* plan(job, job.options.partSize)
    // The service may have created the Upload for the earlier run.
    const now = Option.match(earlier, {
      onNone: () => Clock.currentTimeMillis,
      onSome: ({ receivedAt }) => Effect.succeed(receivedAt)
    })
    yield* journal.begin({ idempotencyKey, partSize: ranges[0]?.bytes ?? source.bytes, receivedAt: yield* now })
    const upload = yield* createUpload(job, restore, idempotencyKey)
    const receivedAt = yield* now
    const deadline = (yield* lifetime.monotonicMillis) + (yield* lifetime.remainingSince(upload, receivedAt))
    yield* journal.created(upload, receivedAt).pipe(
      Effect.catchAll((failure) => Effect.ensuring(cancelAndFail(job, upload, failure), journal.close))
    )
    return {
      upload,
      deadline,
      idempotencyKey,
      resumed: Option.isSome(earlier),
      ranges,
      acknowledged: new Map(),
      hasAmbiguousPart: MutableRef.make(false)
    }
  })

const isKeyReused = (error: TransferError): boolean =>
  error._tag === "InvalidRequest" && error.field === IdempotencyKey.field

/** How the source differs from the one that the journal entry was written for. */
const differenceOf = (
  job: Job,
  entry: JournalEntry
): Option.Option<SourceChanged["difference"]> => {
  const { bytes, identity } = job.source
  return bytes !== entry.bytes
    ? Option.some("size")
    : Option.exists(identity, ({ modifiedAt }) => modifiedAt !== entry.modifiedAt)
    ? Option.some("modification time")
    // With an md5 the service compares the contents, so that a change of the permissions does not matter.
    : !hasMd5(job) && Option.exists(identity, ({ changedAt }) => changedAt !== entry.changedAt)
    ? Option.some("change time")
    : Option.none()
}

/** The Upload that an earlier run of the same set completed, if the source is still the same and the File still exists. */
export const completedEarlier = (job: Job): Effect.Effect<Option.Option<Upload.Completed>, TransferError> =>
  job.journal.load.pipe(
    Effect.map(
      Option.flatMap((entry) => Option.isNone(differenceOf(job, entry)) ? job.journal.completed(entry) : Option.none())
    ),
    Effect.flatMap(Option.match({
      onNone: () => Effect.succeedNone,
      onSome: (upload) =>
        Option.match(job.files, {
          onNone: () => Effect.succeedSome(upload),
          onSome: (files) =>
            Effect.as(files.retrieve(upload.file.id), Option.some(upload)).pipe(
              Effect.catchTag("FileNotFound", () => Effect.succeedNone)
            )
        })
    }))
  )

const checkMd5 = ({ options: { md5 } }: Job) =>
  md5 === undefined || Option.isSome(Schema.decodeOption(Md5)(md5))
    ? Effect.void
    : new InvalidRequest({ field: "md5", problem: `got ${md5.length} characters`, limit: "32 hexadecimal digits" })

const timeouts = ["stallTimeout", "responseTimeout", "cancelTimeout"] as const

/** Without time every attempt would fail, and no Upload could be cancelled. */
const checkTimeout = ({ options }: Job) => (field: typeof timeouts[number]) => {
  const timeout = options[field]
  return timeout === undefined || Duration.greaterThan(timeout, Duration.zero)
    ? Effect.void
    : new InvalidRequest({ field, problem: `got ${Duration.format(timeout)}`, limit: "a duration above zero" })
}

const plan = (job: Job, partSize: number | undefined) =>
  PartPlan.make({ bytes: job.source.bytes, concurrency: concurrencyOf(job), partSize, limits: job.limits })

const resume = (
  job: Job,
  entry: JournalEntry,
  upload: Upload.Pending
): Effect.Effect<Option.Option<ActiveUpload>, TransferError> =>
  Effect.gen(function*() {
    const { journal, source } = job
    const { acknowledged, idempotencyKey, partSize, receivedAt } = entry
    const remaining = yield* lifetime.remainingSince(upload, receivedAt)
    if (remaining <= 0) {
      // It is cancelled all the same, because only the service knows whether it has expired.
      yield* Effect.ensuring(cancelQuietly(job, upload), journal.close)
      return Option.none()
    }
    const difference = differenceOf(job, entry)
    if (Option.isSome(difference)) {
      return yield* cancelAndFail(
        job,
        upload,
        new SourceChanged({ name: source.name, difference: difference.value })
      ).pipe(
        // The earlier run had completed its Upload, so the changed file is a new transfer.
        Effect.catchTag("UploadAlreadyCompleted", () => Effect.succeedNone),
        Effect.ensuring(journal.close)
      )
    }
    const ranges = plan(job, partSize)
    if (Either.isLeft(ranges)) {
      // The part size of the earlier run is outside the limits of this one.
      yield* Effect.ensuring(cancelQuietly(job, upload), journal.close)
      return Option.none()
    }
    return Option.some({
      upload,
      deadline: (yield* lifetime.monotonicMillis) + remaining,
      idempotencyKey,
      resumed: true,
      ranges: ranges.right,
      acknowledged: new Map(acknowledged.map(({ index, partId }) => [index, partId])),
      hasAmbiguousPart: MutableRef.make(false)
    })
  })

/**
 * When the caller is interrupted before the response, waits for the Upload and cancels it. The journal keeps its entry if the
 * service may have created an Upload that is not cancelled.
 */
const createUpload = (
  job: Job,
  restore: Restore,
  idempotencyKey: string
): Effect.Effect<Upload.Pending, TransferError> =>
  Effect.gen(function*() {
    const { journal, options, source, uploads } = job
    const filename = options.filename ?? source.filename
    const creating = yield* uploads.create({
      filename,
      purpose: options.purpose,
      bytes: source.bytes,
      mimeType: options.mimeType ?? source.mimeType ??
        Option.getOrElse(MimeType.infer(filename, options.purpose), () => "application/octet-stream"),
      expiresAfter: options.expiresAfter
    }).pipe(
      IdempotencyKey.withKey(`${idempotencyKey}/create`),
      emitRetries(job, "create"),
      Effect.interruptible,
      Effect.forkDaemon
    )
    return yield* restore(Fiber.join(creating)).pipe(
      Effect.tapError((error) => isAmbiguousFailure(error) ? Effect.void : journal.close),
      // The Upload exists, and no one but this error knows its id.
      Effect.tapError((error) =>
        error._tag === "ResponseMalformed" && error.uploadId !== undefined
          ? runToCompletion(
            Effect.ignore(Effect.timeout(Effect.interruptible(uploads.cancel(error.uploadId)), cancelTimeoutOf(job)))
          )
          : Effect.void
      ),
      Effect.onInterrupt(() =>
        runToCompletion(
          Fiber.join(creating).pipe(
            Effect.interruptible,
            Effect.timeoutOption(cancelTimeoutOf(job)),
            Effect.flatMap(
              Option.match({
                onNone: () => Fiber.interrupt(creating),
                onSome: (upload) => Effect.zipRight(cancelQuietly(job, upload), journal.close)
              })
            ),
            Effect.ignore
          )
        )
      )
    )
  })
