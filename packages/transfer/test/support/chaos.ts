import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PCGRandom } from "effect/Utils"
import type { Kind } from "./chaosProxy.js"

export const clients = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  node: NodeHttpClient.layer,
  nodeUploads: NodeUploadsHttpClient.layer
}

/** Each client once for all runs. */
export const contexts = Effect.all({
  fetch: Layer.build(clients.fetch),
  undici: Layer.build(clients.undici),
  node: Layer.build(clients.node),
  nodeUploads: Layer.build(clients.nodeUploads)
})

export const kinds: ReadonlyArray<Kind> = ["create", "addPart", "complete", "cancel", "files"]

export const pick = <const A>(random: PCGRandom, choices: readonly [A, ...ReadonlyArray<A>]): A =>
  choices[random.integer(choices.length)] ?? choices[0]

/** The source files are ranges of it, so that no two parts of a file are equal. */
export const pool = (() => {
  const random = new PCGRandom(4711)
  return Uint8Array.from({ length: 512 * 1024 }, () => random.integer(256))
})()
