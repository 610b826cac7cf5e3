/**
 * Composed into an application: a training job that needs an Upload, and reacts to three of its errors, each in its own way.
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
  readonly data: PartData.PartData
}

// #region train
const upload = (dataset: Dataset) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const { bytes, data, filename, md5 } = dataset
    const { id } = yield* uploads.create({ filename, bytes, purpose: "fine-tune", mimeType: "text/jsonl" })
    const part = yield* uploads.addPart(id, data)
    const { file } = yield* uploads.complete(id, { partIds: [part.id], md5 })
    return file.id
  })

export const train = (dataset: Dataset) =>
  upload(dataset).pipe(
    // The hour was over: a new Upload has a new one.
    Effect.catchTag("UploadExpired", () => upload(dataset)),
    Effect.catchTags({
      // The bytes changed on the way: once more, and no third time.
      ChecksumMismatch: () => upload(dataset),
      // Waiting does not help: somebody has to act.
      QuotaExceeded: () => new TrainingPostponed({ until: "the quota is raised" })
    }),
    Effect.flatMap((file) => Effect.flatMap(Trainer, (trainer) => trainer.start(file)))
  )
// #endregion train
