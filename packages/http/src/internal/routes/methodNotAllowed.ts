import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { errorReply } from "./errorReply.js"

/** The path of the request. The query is left out: it may contain a secret. */
export const pathOf = ({ url }: HttpServerRequest.HttpServerRequest): string => url.split("?")[0] ?? ""

/** The target as the router has to read it. It takes the rest of a path after a semicolon for a query, and HTTP does not. */
export const routerUrl = ({ url }: HttpServerRequest.HttpServerRequest): string =>
  url.replace(/^[^?]+/, (path) => path.replaceAll(";", "%3B"))

/** `GET` serves `HEAD`, and the routes below serve `OPTIONS`. */
const optionsResponse = (methods: ReadonlySet<string>): HttpServerResponse.HttpServerResponse => {
  const allowed = [...methods].flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]).concat("OPTIONS")
  return HttpServerResponse.empty({ status: 204, headers: { allow: allowed.join(", ") } })
}

/** The same path with other names of its parameters. */
const shapeOf = (path: string): string => path.replace(/:[^/]+/g, ":")

/** A router that has an `OPTIONS` route for each path of `routes`. */
const optionsRouter = <E, R>(routes: Iterable<HttpRouter.Route<E, R>>) => {
  const paths = new Map<string, { readonly path: HttpRouter.PathInput; readonly methods: Set<string> }>()
  for (const { method, path } of routes) {
    if (method === "*") continue
    const known = paths.get(shapeOf(path)) ?? { path, methods: new Set() }
    known.methods.add(method)
    paths.set(shapeOf(path), known)
  }
  return HttpRouter.fromIterable(
    Array.from(
      paths.values(),
      ({ methods, path }) => HttpRouter.makeRoute("OPTIONS", path, Effect.succeed(optionsResponse(methods)))
    )
  )
}

/** Looks each request up as `OPTIONS`, because the router knows a few methods only, and HTTP has any number of them. */
const toOptions = (request: HttpServerRequest.HttpServerRequest): HttpServerRequest.HttpServerRequest =>
  HttpServerRequest.fromWeb(new Request("http://localhost", { method: "OPTIONS" })).modify({ url: routerUrl(request) })

const methodsOf = <E, R>(routes: Iterable<HttpRouter.Route<E, R>>): ReadonlySet<string> =>
  new Set(Array.from(routes, ({ method }) => method).filter((method) => method !== "*"))

/** Responds to requests whose target is `*`: the server as a whole, for `OPTIONS` alone (RFC 9112, section 3.2.4). */
export const wholeServer = <E, R>(routes: Iterable<HttpRouter.Route<E, R>>): HttpApp.Default => {
  const options = optionsResponse(methodsOf(routes))
  return Effect.map(HttpServerRequest.HttpServerRequest, ({ method }) =>
    method === "OPTIONS"
      ? options
      : errorReply(400, { message: `Method ${method} needs a path as the target of its request, not *` }))
}

/**
 * Responds to requests that `routes` does not match, but whose path they know: to `OPTIONS` with the methods of the path, and to
 * any other method with 405.
 */
export const otherMethods = <E, R>(
  routes: Iterable<HttpRouter.Route<E, R>>
): Effect.Effect<HttpApp.Default<HttpServerError.RouteNotFound>> =>
  Effect.map(HttpRouter.toHttpApp(optionsRouter(routes)), (options) =>
    Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      const response = yield* Effect.provideService(options, HttpServerRequest.HttpServerRequest, toOptions(request))
      if (request.method === "OPTIONS") return response
      const { allow = "" } = response.headers
      return errorReply(405, {
        message: `Method ${request.method} is not allowed for ${pathOf(request)}; it must be one of ${allow}`,
        code: "method_not_allowed",
        headers: { allow }
      })
    }))
