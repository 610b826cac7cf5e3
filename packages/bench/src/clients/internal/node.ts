import * as NodeFileHttpClient from "@effect-uploads/http/NodeFileHttpClient"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { apiKey, task } from "./task.js"

/** The client on undici. Parts from files go to the socket through NodeFileHttpClient. */
export const node: Layer.Layer<UploadsService.UploadsService> = Layer.provide(
  UploadsClient.layer({ apiUrl: task.apiUrl, apiKey: Redacted.make(apiKey) }),
  Layer.provide(NodeFileHttpClient.layer, NodeHttpClient.layerUndici)
)
