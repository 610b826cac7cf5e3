import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { idempotencySuite } from "./support/idempotency.js"
import { hop, memory } from "./support/server.js"

idempotencySuite("memory", memory)
idempotencySuite("fetch → routes → memory", hop(memory, FetchHttpClient.layer))
idempotencySuite("undici → routes → memory", hop(memory, NodeHttpClient.layerUndici))
idempotencySuite(
  "NodeUploadsHttpClient → routes → memory",
  hop(memory, NodeUploadsHttpClient.layer)
)
