import * as DurableFiles from "@effect-uploads/server/DurableFiles"
import * as DurableUploads from "@effect-uploads/server/DurableUploads"
import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
import * as Leases from "@effect-uploads/server/Leases"
import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "node:path"

/** A folder for a test, gone with it. */
export const temporaryDirectory = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped()).pipe(
  Effect.provide(NodeFileSystem.layer),
  Effect.orDie
)

/** The stores of a server on a database and a folder. */
const storesOn = (database: Layer.Layer<SqlClient, unknown>, directory: string) =>
  Layer.mergeAll(
    SqlUploadRepository.layer.pipe(Layer.provide(database)),
    FilePartStorage.layer({ directory: Path.join(directory, "parts") }),
    Leases.layer
  ).pipe(Layer.orDie)

/** The stores of a server in a folder. */
export const storesIn = (directory: string) =>
  storesOn(SqliteClient.layer({ filename: Path.join(directory, "uploads.sqlite") }), directory)

const services = Layer.merge(DurableUploads.layer, DurableFiles.layer)

/** Both services on a database and a folder. */
export const durableIn = (directory: string) => services.pipe(Layer.provideMerge(storesIn(directory)))

/** The same in a folder of their own. */
export const durable = Layer.unwrapScoped(Effect.map(temporaryDirectory, durableIn))

/** The same on another database, anew each time. */
export const durableOn = (database: () => Layer.Layer<SqlClient, unknown>) =>
  Layer.unwrapScoped(
    Effect.map(temporaryDirectory, (directory) => services.pipe(Layer.provideMerge(storesOn(database(), directory))))
  )
