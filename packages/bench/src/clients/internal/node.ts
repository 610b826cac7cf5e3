import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { apiKey, task } from "./task.js"

/** The client as `NodeUploads` has it. */
export const node: Layer.Layer<UploadsService.UploadsService> = Layer.provide(
  UploadsClient.layer({ apiUrl: task.apiUrl, apiKey: Redacted.make(apiKey) }),
  NodeUploadsHttpClient.layer
)
