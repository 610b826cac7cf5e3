import * as NodeFileHttpClient from "@effect-uploads/http/NodeFileHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Layer from "effect/Layer"
import { idempotencySuite } from "./support/idempotency.js"
import { hop, memory } from "./support/server.js"

idempotencySuite("memory", memory)
idempotencySuite("fetch → routes → memory", hop(memory, FetchHttpClient.layer))
idempotencySuite("undici → routes → memory", hop(memory, NodeHttpClient.layerUndici))
idempotencySuite(
  "file client → routes → memory",
  hop(memory, Layer.provide(NodeFileHttpClient.layer, NodeHttpClient.layerUndici))
)
