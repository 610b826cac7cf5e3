import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { suite } from "./support/contract.js"
import { hop, memory } from "./support/server.js"

suite("memory", memory)
suite("fetch → routes → memory", hop(memory, FetchHttpClient.layer))
suite("fetch, parts as Blobs → routes → memory", hop(memory, FetchHttpClient.layer, { partBody: "blob" }))
suite("undici → routes → memory", hop(memory, NodeHttpClient.layerUndici))
suite("NodeUploadsHttpClient → routes → memory", hop(memory, NodeUploadsHttpClient.layer))
suite("Node client → routes → memory", hop(memory, NodeHttpClient.layer))
suite(
  "a gateway: Node client → routes → undici → routes → memory",
  hop(hop(memory, NodeHttpClient.layerUndici), NodeHttpClient.layer)
)
