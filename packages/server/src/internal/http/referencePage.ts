import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { gzip } from "node:zlib"
import { acceptsGzip } from "./acceptsGzip.js"

const compress = (bytes: Uint8Array): Effect.Effect<Uint8Array> =>
  Effect.async((resume) => {
    gzip(bytes, (error, compressed) => resume(error === null ? Effect.succeed(compressed) : Effect.die(error)))
  })

const compressed = (response: HttpServerResponse.HttpServerResponse) => {
  const { body } = response
  if (body._tag !== "Uint8Array") return Effect.succeed(response)
  return Effect.map(
    compress(body.body),
    (bytes) =>
      HttpServerResponse.uint8Array(bytes, {
        contentType: body.contentType,
        headers: { "content-encoding": "gzip" }
      })
  )
}

/**
 * A page to browse the API. Its script has 3.3 MB, so it is loaded on the first request, and compressed to 0.9 MB once for all
 * clients that accept it.
 */
export const make = (
  path: `/${string}`
): Effect.Effect<HttpApp.Default<unknown, HttpRouter.HttpRouter.DefaultServices>, never, HttpApi.Api> =>
  Effect.gen(function*() {
    const api = yield* HttpApi.Api
    const load = Effect.gen(function*() {
      const Scalar = yield* Effect.promise(() => import("@effect/platform/HttpApiScalar"))
      const page = Scalar.layer({ path, scalar: { withDefaultFonts: false } }).pipe(
        Layer.provideMerge(HttpApiBuilder.Router.Live),
        Layer.provide(Layer.succeed(HttpApi.Api, api))
      )
      return yield* Effect.provide(Effect.flatMap(HttpApiBuilder.Router.router, HttpRouter.toHttpApp), page)
    })
    const plain = Effect.flatten(yield* Effect.cached(load))
    const zipped = yield* Effect.cached(Effect.flatMap(plain, compressed))
    return HttpServerRequest.HttpServerRequest.pipe(
      Effect.flatMap(({ headers }) => acceptsGzip(headers["accept-encoding"] ?? "") ? zipped : plain),
      Effect.map(HttpServerResponse.setHeader("vary", "accept-encoding"))
    )
  })
