import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { put } from "./put.js"

const client = Layer.provide(UploadsClient.layerConfig({ partBody: "blob" }), FetchHttpClient.layer)
const data = new TextEncoder().encode(`{"messages":[]}\n`)

console.log(await Effect.runPromise(Effect.provide(put("train.jsonl", data), client)))
