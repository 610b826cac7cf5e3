/** The program of `base.ts`, extended to send a file with Transfer. */
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { http } from "./base.js"

const send = (data: Uint8Array) => Transfer.bytes(data, { filename: "train.jsonl", purpose: "fine-tune" })

Effect.runFork(
  Effect.provide(send(new TextEncoder().encode("{}\n")), Layer.provide(UploadsClient.layerConfig(), http))
)
