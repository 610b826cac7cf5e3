import type * as Upload from "@effect-uploads/domain/Upload"
import { UploadExpired } from "@effect-uploads/domain/UploadError"
import * as IdempotencyKey from "@effect-uploads/http/IdempotencyKey"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { SourceChanged } from "../SourceError.js"
import type { TransferFailure } from "../TransferError.js"
import * as TransferEvent from "../TransferEvent.js"
import { defaultRetryPolicy } from "../TransferOptions.js"
import type { ActiveUpload, Job } from "./job.js"
import { concurrencyOf, emit, emitRetries, hasMd5 } from "./job.js"
import * as lifetime from "./lifetime.js"
import * as partSender from "./partSender.js"
import type { Progress } from "./progress.js"
import { report } from "./progress.js"

/** Sends the missing parts and completes the Upload, within the Upload's lifetime. */
export const run = (
  job: Job,
  active: ActiveUpload,
  progress: Progress,
  isCompleting: MutableRef.MutableRef<boolean>
): Effect.Effect<Upload.Completed, TransferFailure> =>
  Effect.gen(function*() {
    const { journal, options, source, uploads } = job
    const { acknowledged, hasAmbiguousPart, idempotencyKey, ranges, resumed, upload } = active
    const concurrency = concurrencyOf(job)
    const retryPolicy = options.retryPolicy ?? defaultRetryPolicy
    const onEvent = (event: TransferEvent.TransferEvent) => emit(job, event)
    const missing = ranges.filter(({ index }) => !acknowledged.has(index))
    const earlier = ranges.filter(({ index }) => acknowledged.has(index))
    progress.restart()
    for (const { bytes, index } of earlier) progress.resume(index, bytes)
    const resumedBytes = earlier.reduce((sum, { bytes }) => sum + bytes, 0)
    yield* onEvent(
      TransferEvent.Started({
        upload,
        parts: ranges.length,
        resumedBytes,
        resumed: earlier.map(({ index }) => index)
      })
    )
    if (Option.isSome(job.onEvent)) yield* Effect.forkScoped(report(progress, active, onEvent))

    const { send } = partSender.make({
      uploads,
      uploadId: upload.id,
      idempotencyKey,
      explain: source.explain,
      progress,
      onAmbiguousFailure: () => MutableRef.set(hasAmbiguousPart, true),
      stallTimeout: Option.map(Option.fromNullable(options.stallTimeout), Duration.decode),
      responseTimeout: Duration.decode(options.responseTimeout ?? "5 minutes"),
      connection: job.connection,
      retryPolicy,
      onEvent
    })
    const { md5, parts } = yield* source.open({
      ranges: missing,
      concurrency,
      checksum: hasMd5(job) && options.md5 === undefined
    })
    const sending = parts.pipe(
      Stream.mapEffect((part) =>
        Effect.gen(function*() {
          const sent = yield* Effect.ensuring(send(part), part.release)
          acknowledged.set(part.range.index, sent.id)
          progress.acknowledge(part.range.index)
          yield* journal.acknowledge(part.range.index, sent.id)
          yield* onEvent(TransferEvent.PartDone({ index: part.range.index, part: sent, bytes: part.range.bytes }))
        }), { concurrency, unordered: true }),
      Stream.runDrain
    )
    const [digest] = yield* Effect.all([md5, sending], { concurrency: 2 })

    const expected = Option.orElse(Option.fromNullable(options.md5?.toLowerCase()), () => digest)
    yield* source.verify
    MutableRef.set(isCompleting, true)
    const completed = yield* uploads.complete(upload.id, {
      partIds: ranges.flatMap(({ index }) => Option.toArray(Option.fromNullable(acknowledged.get(index)))),
      ...Option.match(expected, { onNone: () => ({}), onSome: (md5) => ({ md5 }) })
    }).pipe(
      // All parts are sent, so it is worth the same patience as a part.
      Effect.provideService(RetryPolicy.LocalRetryPolicy, Option.some(retryPolicy)),
      emitRetries(job, "complete"),
      IdempotencyKey.withKey(`${idempotencyKey}/complete-${Option.getOrElse(expected, () => "unchecked")}`),
      // The earlier run sent other content, although size and modification time are the same.
      Effect.mapError((error) =>
        resumed && error._tag === "ChecksumMismatch"
          ? new SourceChanged({ name: source.name, difference: "content" })
          : error
      )
    )
    yield* journal.finish(completed)
    return completed
  }).pipe(
    Effect.scoped,
    withinLifetime(active)
  )

/** Ends everything that is under way at the moment at which the Upload expires. */
const withinLifetime = ({ deadline, upload }: ActiveUpload) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(lifetime.monotonicMillis, (now) =>
    Effect.timeoutFail(effect, {
      duration: Duration.millis(Math.max(0, deadline - now)),
      onTimeout: () => new UploadExpired({ uploadId: upload.id, expiredAt: upload.expiresAt })
    }))
