import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { errorReply } from "./errorReply.js"

const isRouteNotFound = (u: unknown): u is HttpServerError.RouteNotFound => u instanceof HttpServerError.RouteNotFound

/** Responds with the documented envelope where no route matches the request. The platform's own 404 has no body. */
export const withErrorReply = <A, E, R>(
  app: Effect.Effect<A, E, R>
): Effect.Effect<
  A | HttpServerResponse.HttpServerResponse,
  E,
  R | HttpServerRequest.HttpServerRequest
> =>
  Effect.catchSomeCause(app, (cause) =>
    Option.map(
      Option.filter(Cause.failureOption(cause), isRouteNotFound),
      () =>
        Effect.map(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
          // The query is left out: it may contain a secret.
          const [path] = url.split("?")
          return errorReply(404, { message: `Invalid URL (${method} ${path})` })
        })
    ))
