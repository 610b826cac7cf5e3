import * as BytesInUse from "@effect-uploads/server/BytesInUse"
import * as DurableFiles from "@effect-uploads/server/DurableFiles"
import * as DurableUploads from "@effect-uploads/server/DurableUploads"
import * as PartFiles from "@effect-uploads/server/PartFiles"
import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "node:path"

/** A folder for a test, gone with it. */
export const temporaryDirectory = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped()).pipe(
  Effect.provide(NodeFileSystem.layer),
  Effect.orDie
)

/** The stores of a server in a folder. */
export const storesIn = (directory: string) =>
  Layer.mergeAll(
    SqlUploadRepository.layer.pipe(
      Layer.provide(SqliteClient.layer({ filename: Path.join(directory, "uploads.sqlite") }))
    ),
    PartFiles.layer({ directory }),
    BytesInUse.layer
  ).pipe(Layer.orDie)

/** Both services on a database and a folder. */
export const durableIn = (directory: string) =>
  Layer.merge(DurableUploads.layer, DurableFiles.layer).pipe(Layer.provideMerge(storesIn(directory)))

/** The same in a folder of their own. */
export const durable = Layer.unwrapScoped(Effect.map(temporaryDirectory, durableIn))
