import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { errorReply } from "./errorReply.js"
import * as methodNotAllowed from "./methodNotAllowed.js"

const isRouteNotFound = (u: unknown): u is HttpServerError.RouteNotFound => u instanceof HttpServerError.RouteNotFound

const notFound = Effect.map(
  HttpServerRequest.HttpServerRequest,
  (request) => errorReply(404, { message: `Invalid URL (${request.method} ${methodNotAllowed.pathOf(request)})` })
)

const fragment = errorReply(400, {
  message: "The target of a request cannot contain `#`; write it as %23",
  code: "invalid_target"
})

/**
 * The router matches no path whose parameter is longer than its limit, 100 characters by default, and the routes have to say
 * which id is too long. The limit is the size of the headers that Node accepts.
 */
const maxParamLength = 16_384

/** The configuration of the router that serves the routes. The other settings of the application stay. */
export const routerConfig: Layer.Layer<never> = Layer.scopedDiscard(
  Effect.locallyScopedWith(HttpRouter.currentRouterConfig, (config) => ({
    ...config,
    maxParamLength: Math.max(config.maxParamLength ?? 0, maxParamLength)
  }))
)

/**
 * A middleware that responds where no route matches the request: with 405 if the path has routes with other methods, else with
 * 404. The platform's own 404 has no body.
 */
export const middleware = Effect.gen(function*() {
  const router = yield* HttpApiBuilder.Router
  // Built on the first such request: the routes are added after the middleware is.
  const routes = Effect.map(router.router, ({ routes }) => routes)
  const otherMethods = yield* Effect.cached(Effect.flatMap(routes, methodNotAllowed.otherMethods))
  const wholeServer = yield* Effect.cached(Effect.map(routes, methodNotAllowed.wholeServer))
  const fallback = Effect.catchTag(Effect.flatten(otherMethods), "RouteNotFound", () => notFound)
  return (app: HttpApp.Default): HttpApp.Default =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      // The router would take it for the path `/`.
      if (request.url === "*") return Effect.flatten(wholeServer)
      // The router would leave the fragment out.
      if (request.url.includes("#")) return Effect.succeed(fragment)
      const url = methodNotAllowed.routerUrl(request)
      const routed = url === request.url
        ? app
        : Effect.provideService(app, HttpServerRequest.HttpServerRequest, request.modify({ url }))
      return Effect.catchSomeCause(
        routed,
        (cause) => Option.as(Option.filter(Cause.failureOption(cause), isRouteNotFound), fallback)
      )
    })
})
