import * as NodeFileHttpClient from "@effect-uploads/http/NodeFileHttpClient"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { apiKey, task } from "./task.js"

/** The client on the `HttpClient` for Node that pipes files into sockets. */
export const node: Layer.Layer<UploadsService.UploadsService> = Layer.provide(
  UploadsService.layer({ apiUrl: task.apiUrl, apiKey: Redacted.make(apiKey) }),
  NodeFileHttpClient.layer
)
