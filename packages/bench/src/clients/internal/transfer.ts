import type { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { measured } from "./measured.js"
import { task } from "./task.js"

/** Sends a whole file with `Transfer.file` and the service and hasher of the layer. */
export const sendFile = async (layer: Layer.Layer<UploadsService>): Promise<void> => {
  const runtime = ManagedRuntime.make(Layer.merge(layer, NodeFileSystem.layer))
  await runtime.runtime()
  await measured(() =>
    runtime.runPromise(Transfer.file(task.path, {
      purpose: "user_data",
      filename: "bench.bin",
      partSize: task.partBytes,
      concurrency: task.concurrency,
      checksum: task.checksum
    }))
  )
}
