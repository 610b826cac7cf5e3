import type * as HttpMethod from "@effect/platform/HttpMethod"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { errorReply } from "./errorReply.js"

/** The path of the request. The query is left out: it may contain a secret. */
export const pathOf = ({ url }: HttpServerRequest.HttpServerRequest): string => url.split("?")[0] ?? ""

/** `GET` serves `HEAD`, and the routes below serve `OPTIONS`. */
const allowHeader = (methods: ReadonlySet<string>): string =>
  [...methods].flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]).concat("OPTIONS").join(", ")

const respond = (methods: ReadonlySet<string>) => {
  const headers = { allow: allowHeader(methods) }
  return Effect.map(
    HttpServerRequest.HttpServerRequest,
    (request) =>
      request.method === "OPTIONS"
        ? HttpServerResponse.empty({ status: 204, headers })
        : errorReply(405, {
          message: `Method ${request.method} is not allowed for ${pathOf(request)}; it must be one of ${headers.allow}`,
          code: "method_not_allowed",
          headers
        })
  )
}

/** The same path with other names of its parameters. */
const shapeOf = (path: string): string => path.replace(/:[^/]+/g, ":")

/**
 * A router for the requests that `routes` does not match. It responds to `OPTIONS` with the methods of a path, and to any other
 * method of a known path with 405.
 */
export const router = <E, R>(routes: Iterable<HttpRouter.Route<E, R>>): HttpRouter.HttpRouter => {
  const paths = new Map<string, { readonly path: HttpRouter.PathInput; readonly methods: Set<HttpMethod.HttpMethod> }>()
  for (const { method, path } of routes) {
    if (method === "*") continue
    const known = paths.get(shapeOf(path)) ?? { path, methods: new Set() }
    known.methods.add(method)
    paths.set(shapeOf(path), known)
  }
  return HttpRouter.fromIterable(
    Array.from(paths.values(), ({ methods, path }) => HttpRouter.makeRoute("*", path, respond(methods)))
  )
}
