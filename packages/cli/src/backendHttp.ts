import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Backend } from "./Backend.js"
import { ServiceUrl } from "./Backend.js"
import * as configuration from "./configuration.js"

/** The service that the configuration names, over HTTP. */
export const layer: Context.Tag.Service<typeof Backend> = Layer.unwrapEffect(
  Effect.map(configuration.load, (options) =>
    Layer.merge(
      NodeUploads.layer(options),
      Layer.succeed(ServiceUrl, configuration.withoutUser(options.apiUrl))
    ))
)
