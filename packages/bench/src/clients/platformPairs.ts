/** The requests of create and cancel with undici as the `HttpClient` of `@effect/platform` has it. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { requestPairs } from "./internal/requestPairs.js"

await requestPairs(NodeHttpClient.layerUndici)
