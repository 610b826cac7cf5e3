/** The program of `base.ts`, extended to send a file with the client alone. */
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { http } from "./base.js"

const send = (data: Uint8Array) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService.UploadsService
    const { id } = yield* uploads.create({
      filename: "train.jsonl",
      bytes: data.byteLength,
      purpose: "fine-tune",
      mimeType: "text/jsonl"
    })
    const part = yield* Effect.onError(uploads.addPart(id, data), () => Effect.ignore(uploads.cancel(id)))
    return yield* uploads.complete(id, { partIds: [part.id] })
  })

Effect.runFork(
  Effect.provide(send(new TextEncoder().encode("{}\n")), Layer.provide(UploadsClient.layerConfig(), http))
)
