/**
 * A training job that uploads its data set. It handles three errors; all others stay in its type.
 */
import type { FileId } from "@effect-uploads/domain/Ids"
import type * as PartData from "@effect-uploads/http/PartData"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** A service of the application. It trains a model on a File. */
export class Trainer extends Context.Tag("examples/Trainer")<Trainer, {
  readonly start: (trainingFile: FileId) => Effect.Effect<string>
}>() {}

export class TrainingPostponed extends Data.TaggedError("TrainingPostponed")<{ readonly until: string }> {}

export interface Dataset {
  readonly filename: string
  readonly bytes: number
  readonly md5: string
  /** In the order of the file: `Uint8Array`, `Blob` or `PartData.file(path, { offset, bytes })`. */
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
      // On failure or interruption, cancel the Upload so that it does not stay pending.
      Effect.onError(() => Effect.ignore(uploads.cancel(id)))
    )
  })

export const train = (dataset: Dataset) =>
  upload(dataset).pipe(
    Effect.retry({
      times: 1,
      while: (error) =>
        // A new Upload has a new lifetime, and bytes that changed on the way are sent again. Retry once.
        error._tag === "UploadExpired" || error._tag === "ChecksumMismatch"
    }),
    Effect.flatMap(({ file }) => Effect.flatMap(Trainer, (trainer) => trainer.start(file.id))),
    // A retry does not help until somebody raises the quota.
    Effect.catchTag("QuotaExceeded", () => new TrainingPostponed({ until: "the quota is raised" }))
  )
// #endregion train
