import * as MimeType from "@effect-uploads/domain/MimeType"
import type * as Upload from "@effect-uploads/domain/Upload"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as PartPlan from "../PartPlan.js"
import { SourceChanged } from "../SourceError.js"
import type { TransferError } from "../TransferError.js"
import type { JournalEntry } from "../TransferJournal.js"
import { cancelAndFail, cancelQuietly, runToCompletion } from "./cleanup.js"
import type { ActiveUpload, Job } from "./job.js"
import { cancelTimeoutOf, concurrencyOf } from "./job.js"
import * as lifetime from "./lifetime.js"

export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Obtains the Upload to fill. */
export type Begin = (job: Job, restore: Restore) => Effect.Effect<ActiveUpload, TransferError>

/** Resumes the Upload of the journal, if it has one that can still be completed. Creates a new one otherwise. */
export const resumeOrCreate: Begin = (job, restore) =>
  Effect.gen(function*() {
    // Options that cannot be right are reported before any request.
    yield* plan(job, job.options.partSize)
    const entry = yield* restore(job.journal.load)
    const resumed = Option.isSome(entry) ? yield* resume(job, entry.value) : Option.none()
    return Option.isSome(resumed) ? resumed.value : yield* create(job, restore)
  })

export const create: Begin = (job, restore) =>
  Effect.gen(function*() {
    const ranges = yield* plan(job, job.options.partSize)
    const upload = yield* createUpload(job, restore)
    const deadline = (yield* lifetime.monotonicMillis) + lifetime.ofUpload(upload)
    yield* job.journal.begin(upload, ranges[0]?.bytes ?? job.source.bytes).pipe(
      Effect.catchAll((failure) => cancelAndFail(job, upload, failure))
    )
    return {
      upload,
      deadline,
      resumed: false,
      ranges,
      acknowledged: new Map(),
      hasAmbiguousPart: MutableRef.make(false)
    }
  })

const plan = (job: Job, partSize: number | undefined) =>
  PartPlan.make({ bytes: job.source.bytes, concurrency: concurrencyOf(job), partSize, limits: job.limits })

const resume = (
  job: Job,
  { acknowledged, modifiedAt, partSize, receivedAt, upload }: JournalEntry
): Effect.Effect<Option.Option<ActiveUpload>, TransferError> =>
  Effect.gen(function*() {
    const { journal, source } = job
    const remaining = yield* lifetime.remainingSince(upload, receivedAt)
    if (remaining <= 0) {
      // It is cancelled all the same, because only the service knows whether it has expired.
      yield* Effect.ensuring(cancelQuietly(job, upload), journal.close)
      return Option.none()
    }
    const difference = upload.bytes !== source.bytes
      ? Option.some("size" as const)
      : Option.exists(source.identity, (identity) => identity.modifiedAt !== modifiedAt)
      ? Option.some("modification time" as const)
      : Option.none()
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
      resumed: true,
      ranges: ranges.right,
      acknowledged: new Map(acknowledged.map(({ index, partId }) => [index, partId])),
      hasAmbiguousPart: MutableRef.make(false)
    })
  })

/** When the caller is interrupted before the response, waits for the Upload and cancels it. */
const createUpload = (job: Job, restore: Restore): Effect.Effect<Upload.Pending, TransferError> =>
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
        runToCompletion(
          Fiber.join(creating).pipe(
            Effect.interruptible,
            Effect.timeoutOption(cancelTimeoutOf(job)),
            Effect.flatMap(
              Option.match({
                onNone: () => Fiber.interrupt(creating),
                onSome: (upload) => cancelQuietly(job, upload)
              })
            ),
            Effect.ignore
          )
        )
      )
    )
  })
