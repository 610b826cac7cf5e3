/** The clients over `fetch`. A part is sent as a Blob, which every runtime sends with its length. */
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Layer from "effect/Layer"

export const layer = (options: ClientOptions) => {
  const ofBlobs: ClientOptions = { ...options, partBody: "blob" }
  return Layer.provide(Layer.merge(UploadsClient.layer(ofBlobs), FilesClient.layer(ofBlobs)), FetchHttpClient.layer)
}
