import * as DurableFiles from "@effect-uploads/server/DurableFiles"
import * as DurableUploads from "@effect-uploads/server/DurableUploads"
import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
import * as Leases from "@effect-uploads/server/Leases"
import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import * as Sweeper from "@effect-uploads/server/Sweeper"
import * as Layer from "effect/Layer"

const repository = Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename: "data/uploads.sqlite" }))
const storage = FilePartStorage.layer({ directory: "data/parts" })
const sweeper = Sweeper.layer({ interval: "1 minute", scanInterval: "1 hour", retention: "7 days", exclusive: true })

/** `UploadsService` and `FilesService`, durable. */
export const durable = Layer.mergeAll(DurableUploads.layer, DurableFiles.layer, sweeper).pipe(
  Layer.provide([repository, storage, Leases.layer])
)
