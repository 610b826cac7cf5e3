import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Serves a page to browse the API. Its script has several MiB, so it is loaded on the first request. */
export const layer = (path: `/${string}`): Layer.Layer<never, never, HttpApi.Api> =>
  HttpApiBuilder.Router.use((router) =>
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
      yield* router.get(path, Effect.flatten(yield* Effect.cached(load)))
    })
  )
