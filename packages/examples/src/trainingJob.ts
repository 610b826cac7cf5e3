/**
 * Composed into an application: a training job that sends its data set, and reacts to three errors, each in its own way.
 * Everything else that can go wrong stays in its type.
 */
import type { FileId } from "@effect-uploads/domain/Ids"
import type * as PartData from "@effect-uploads/http/PartData"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** The application's own service, which trains on a File. */
export class Trainer extends Context.Tag("examples/Trainer")<Trainer, {
  readonly start: (trainingFile: FileId) => Effect.Effect<string>
}>() {}

export class TrainingPostponed extends Data.TaggedError("TrainingPostponed")<{ readonly until: string }> {}

export interface Dataset {
  readonly filename: string
  readonly bytes: number
  readonly md5: string
  /** In the order of the file: bytes, Blobs, `PartData.file(path, { offset, bytes })`, … */
  readonly parts: ReadonlyArray<PartData.PartData>
}

// #region train
const upload = (dataset: Dataset) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const { bytes, filename, md5 } = dataset
    const { id } = yield* uploads.create({ filename, bytes, purpose: "fine-tune", mimeType: "text/jsonl" })
    return yield* Effect.forEach(dataset.parts, (part) => uploads.addPart(id, part), { concurrency: 4 }).pipe(
      Effect.flatMap((parts) => uploads.complete(id, { partIds: parts.map((part) => part.id), md5 })),
      // Failed or interrupted, it leaves no Upload behind.
      Effect.onError(() => Effect.ignore(uploads.cancel(id)))
    )
  })

export const train = (dataset: Dataset) =>
  upload(dataset).pipe(
    Effect.retry({
      times: 1,
      while: (error) =>
        // The hour was over, and a new Upload has a new one; or bytes changed on the way. Once more, then it is an error.
        error._tag === "UploadExpired" || error._tag === "ChecksumMismatch"
    }),
    Effect.flatMap(({ file }) => Effect.flatMap(Trainer, (trainer) => trainer.start(file.id))),
    // Waiting does not help: somebody has to act.
    Effect.catchTag("QuotaExceeded", () => new TrainingPostponed({ until: "the quota is raised" }))
  )
// #endregion train
