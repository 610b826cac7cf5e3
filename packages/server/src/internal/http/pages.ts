import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as ApiKeys from "../../ApiKeys.js"
import { authenticate } from "./authorization.js"
import { fromError, rejection } from "./rejection.js"

/** Who may see a page: everybody, everybody with an API key, or nobody. */
export type Access = "open" | "key" | "off"

/**
 * The scripts and styles of the reference page are inline, and it loads nothing from another host: neither fonts nor the
 * definition of the API. It compiles WebAssembly to highlight code.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'wasm-unsafe-eval'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

const pathOf = ({ url }: HttpServerRequest.HttpServerRequest): string => url.split("?")[0] ?? ""

/** Restricts access to the pages that are not part of the API, sends `/` to the first of them, and hardens them. */
export const middleware = (
  keys: ApiKeys.Service,
  { docs, metrics }: { readonly docs: Access; readonly metrics: Access }
) => {
  const accessOf = (path: string): Option.Option<Access> =>
    path === "/docs" || path === "/openapi.json"
      ? Option.some(docs)
      : path === "/metrics"
      ? Option.some(metrics)
      : Option.none()
  return HttpMiddleware.make((app) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const path = pathOf(request)
      if (path === "/" && docs !== "off" && ["GET", "HEAD"].includes(request.method)) {
        return Effect.succeed(HttpServerResponse.empty({ status: 302, headers: { location: "/docs" } }))
      }
      const access = accessOf(path)
      if (Option.isNone(access)) return app
      if (access.value === "off") {
        return Effect.succeed(rejection(404, { message: `Invalid URL (${request.method} ${path})` }))
      }
      const page = Effect.map(app, (response) =>
        HttpServerResponse.setHeaders(response, {
          "content-security-policy": contentSecurityPolicy,
          "x-content-type-options": "nosniff"
        }))
      return access.value === "open" ? page : Effect.matchEffect(authenticate(keys), {
        onFailure: (error) => Effect.succeed(fromError(error)),
        onSuccess: () => page
      })
    })
  )
}
