import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { put } from "./put.js"

const journal = Layer.provide(TransferJournal.layerKeyValueStore, KeyValueStore.layerFileSystem("./journals"))

put("data.bin").pipe(
  Effect.tap(({ file }) => Effect.log(`File ${file.id}`)),
  Effect.provide(Layer.merge(NodeUploads.layerConfig(), journal)),
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain
)
