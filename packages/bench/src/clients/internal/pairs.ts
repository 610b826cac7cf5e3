import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { measuredColdAndWarm } from "./measured.js"
import { task } from "./task.js"

/** Creates and cancels Uploads with the `UploadsService` of the layer. */
export const createAndCancel = async (layer: Layer.Layer<UploadsService>): Promise<void> => {
  const runtime = ManagedRuntime.make(layer)
  await runtime.runtime()
  const pair = Effect.gen(function*() {
    const uploads = yield* UploadsService
    const upload = yield* uploads.create({
      filename: "bench.bin",
      bytes: 1024,
      mimeType: "application/octet-stream",
      purpose: "user_data"
    })
    yield* uploads.cancel(upload.id)
  })
  await measuredColdAndWarm(() =>
    runtime.runPromise(Effect.replicateEffect(pair, task.pairs, { concurrency: task.concurrency, discard: true }))
  )
}
