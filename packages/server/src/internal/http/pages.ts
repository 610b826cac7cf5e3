import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { ApiKeys } from "../../ApiKeys.js"
import { authenticate } from "./authorization.js"
import * as prometheusMetrics from "./prometheusMetrics.js"
import * as referencePage from "./referencePage.js"
import { fromError } from "./rejection.js"

/*
 * The pages that are not part of the API.
 */

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

const harden = HttpServerResponse.setHeaders({
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff"
})

/**
 * Adds a page. Its access is checked in its route, because the router matches more than one spelling of a path. A page that is
 * off has no route.
 */
const page = <E, R>(
  path: `/${string}`,
  access: Access,
  make: Effect.Effect<HttpApp.Default<E, HttpRouter.HttpRouter.DefaultServices>, never, R>
): Layer.Layer<never, never, ApiKeys | Exclude<R, Scope.Scope>> =>
  access === "off" ? Layer.empty : HttpApiBuilder.Router.use((router) =>
    Effect.gen(function*() {
      const keys = yield* ApiKeys
      const app = Effect.map(yield* make, harden)
      const guarded = Effect.matchEffect(authenticate(keys), {
        onFailure: (error) => Effect.succeed(fromError(error)),
        onSuccess: () => app
      })
      yield* router.get(path, access === "open" ? app : guarded)
    })
  )

const metricsPage = Effect.map(
  prometheusMetrics.snapshot,
  (text) => HttpServerResponse.text(text, { contentType: prometheusMetrics.contentType })
)

const openApiDocument = Effect.map(
  HttpApi.Api,
  ({ api }) => Effect.succeed(HttpServerResponse.unsafeJson(OpenApi.fromApi(api)))
)

const toReferencePage = HttpServerResponse.empty({ status: 302, headers: { location: "/docs" } })

/** `/metrics`, `/docs` and `/openapi.json`. `/` leads to `/docs`. */
export const layer = ({ docs, metrics }: { readonly docs: Access; readonly metrics: Access }) =>
  Layer.mergeAll(
    page("/metrics", metrics, Effect.succeed(metricsPage)),
    page("/docs", docs, referencePage.make("/docs")),
    page("/openapi.json", docs, openApiDocument),
    // Everybody may know where the page is.
    page("/", docs === "off" ? "off" : "open", Effect.succeed(Effect.succeed(toReferencePage)))
  )
