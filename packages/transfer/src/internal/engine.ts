import type * as Upload from "@effect-uploads/domain/Upload"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import type { TransferError } from "../TransferError.js"
import * as TransferEvent from "../TransferEvent.js"
import * as cleanup from "./cleanup.js"
import type { Job, Restart } from "./job.js"
import { emit } from "./job.js"
import * as progresses from "./progress.js"
import * as send from "./send.js"
import * as start from "./start.js"

/** Runs a transfer to its end. Every {@link Restart} continues with a new Upload. */
export const run = (job: Job): Effect.Effect<Upload.Completed, TransferError> =>
  Effect.suspend(() => {
    const progress = progresses.make(job.source.bytes)
    const runFrom = (begin: start.Begin, isFirst: boolean): Effect.Effect<Upload.Completed, TransferError> =>
      Effect.catchTag(runUpload(job, begin, progress, isFirst), "Restart", ({ replaced }) =>
        Effect.zipRight(
          emit(job, TransferEvent.Restarted({ replaced })),
          runFrom(start.create, false)
        ))
    return start.completedEarlier(job).pipe(
      Effect.flatMap(Option.match({
        onNone: () => runFrom(start.resumeOrCreate, true),
        onSome: Effect.succeed
      })),
      Effect.raceFirst(job.journal.lost),
      Effect.tap((upload) => emit(job, TransferEvent.Completed({ upload })))
    )
  })

/** Fills one Upload. Start and cleanup run to completion even if the caller is interrupted; sending stops at once. */
const runUpload = (
  job: Job,
  begin: start.Begin,
  progress: progresses.Progress,
  isFirst: boolean
): Effect.Effect<Upload.Completed, TransferError | Restart> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const active = yield* begin(job, restore)
      const isCompleting = MutableRef.make(false)
      const exit = yield* Effect.exit(restore(send.run(job, active, progress, isCompleting)))
      if (Exit.isSuccess(exit)) return exit.value
      return yield* Option.match(Cause.failureOption(exit.cause), {
        onSome: (failure) =>
          cleanup.onFailure(job, active, failure, { isFirst, isCompleting: MutableRef.get(isCompleting) }),
        onNone: () => Effect.zipRight(cleanup.onInterrupt(job, active.upload), exit)
      })
    })
  )
