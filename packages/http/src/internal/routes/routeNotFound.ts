import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { errorReply } from "./errorReply.js"
import * as methodNotAllowed from "./methodNotAllowed.js"

const isRouteNotFound = (u: unknown): u is HttpServerError.RouteNotFound => u instanceof HttpServerError.RouteNotFound

const notFound = Effect.map(
  HttpServerRequest.HttpServerRequest,
  (request) => errorReply(404, { message: `Invalid URL (${request.method} ${methodNotAllowed.pathOf(request)})` })
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
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
      // The router would take it for the path `/`.
      url === "*" ? Effect.flatten(wholeServer) : Effect.catchSomeCause(
        app,
        (cause) => Option.as(Option.filter(Cause.failureOption(cause), isRouteNotFound), fallback)
      ))
})
