import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { put } from "./put.js"

const client = Layer.provide(UploadsClient.layerConfig(), NodeUploadsHttpClient.layer)
const data = new TextEncoder().encode(`{"messages":[]}\n`)

console.log(await Effect.runPromise(Effect.provide(put("train.jsonl", data), client)))
