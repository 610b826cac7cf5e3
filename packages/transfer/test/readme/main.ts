import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { put } from "./put.js"

const client = Layer.provide(UploadsClient.layerConfig(), NodeHttpClient.layer)
const journal = Layer.provide(TransferJournal.layerKeyValueStore, KeyValueStore.layerFileSystem("./journals"))

put("data.bin").pipe(
  Effect.tap(({ file }) => Effect.log(`File ${file.id}`)),
  Effect.provide(Layer.merge(client, journal)),
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain
)
