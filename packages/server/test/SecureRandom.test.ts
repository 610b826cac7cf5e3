import { SecureRandom } from "@effect-uploads/domain/SecureRandom"
import * as Server from "@effect-uploads/server/Server"
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { configOf, send } from "./support/serving.js"
import { temporaryDirectory } from "./support/stores.js"

const constant = Layer.succeed(SecureRandom, { bytes: (count) => Effect.succeed(new Uint8Array(count).fill(7)) })

describe("SecureRandom", () => {
  it.scopedLive("is the source of the request ids of the server", () =>
    Effect.gen(function*() {
      const config = yield* configOf({ UPLOADS_PORT: "0", UPLOADS_DATA_DIR: yield* temporaryDirectory })
      const context = yield* Layer.build(Layer.provide(Server.layer(config), constant))
      const url = yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), context)
      const response = yield* send(`${url}/health`)
      expect(response.headers.get("x-request-id")).toBe(`req_${"07".repeat(16)}`)
    }))
})
