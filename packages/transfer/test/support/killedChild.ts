import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"

/*
 * A process that sends one file with a journal in a folder, so that a test can kill it. It exits with 0 when the file is sent.
 * It prints a failure to its standard error.
 */

const settings = Config.all({
  apiUrl: Config.string("API_URL"),
  path: Config.string("SOURCE"),
  journal: Config.string("JOURNAL"),
  partSize: Config.integer("PART_SIZE"),
  concurrency: Config.integer("CONCURRENCY")
})

const program = Effect.gen(function*() {
  const { apiUrl, concurrency, journal, partSize, path } = yield* settings
  const http = Layer.merge(UploadsClient.layer({ apiUrl }), FilesClient.layer({ apiUrl })).pipe(
    Layer.provide(NodeHttpClient.layer)
  )
  const kept = TransferJournal.layerKeyValueStore.pipe(
    Layer.provide(KeyValueStore.layerFileSystem(journal)),
    Layer.provide(Layer.merge(NodeFileSystem.layer, NodePath.layer))
  )
  yield* Transfer.file(path, {
    purpose: "user_data",
    partSize,
    concurrency,
    retryPolicy: Schedule.intersect(Schedule.exponential("2 millis"), Schedule.recurs(5))
  }).pipe(Effect.provide(Layer.mergeAll(http, kept, NodeFileSystem.layer)))
})

NodeRuntime.runMain(program)
