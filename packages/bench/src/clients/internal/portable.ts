import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { apiKey, task } from "./task.js"

/** The portable client, on the fastest `HttpClient` for Node. */
export const portable: Layer.Layer<UploadsService.UploadsService> = Layer.provide(
  UploadsClient.layer({ apiUrl: task.apiUrl, apiKey: Redacted.make(apiKey) }),
  NodeHttpClient.layerUndici
)
