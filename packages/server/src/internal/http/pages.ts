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
import * as uploadsPage from "./uploadsPage.js"

/*
 * The pages that are not part of the API.
 */

/** The access to a page: `open` to everybody, to callers with an API `key`, or `off`. */
export type Access = "open" | "key" | "off"

/**
 * The scripts and styles of the reference page are inline, and it loads nothing from another host: neither fonts nor the
 * definition of the API. It compiles WebAssembly to highlight code.
 */
const referencePolicy = [
  "script-src 'unsafe-inline' 'wasm-unsafe-eval'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src data:"
]

/** The page loads its own script and style alone. It compiles WebAssembly to compute an md5. */
const uploadsPolicy = ["script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "img-src data:"]

const harden = (policy: ReadonlyArray<string>) =>
  HttpServerResponse.setHeaders({
    "content-security-policy": [
      "default-src 'none'",
      ...policy,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'"
    ].join("; "),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff"
  })

/**
 * Adds a page. Its access is checked in its route, because the router matches more than one spelling of a path. A page that is
 * off has no route.
 */
const page = <E, R>(
  path: `/${string}`,
  access: Access,
  policy: ReadonlyArray<string>,
  make: Effect.Effect<HttpApp.Default<E, HttpRouter.HttpRouter.DefaultServices | HttpRouter.RouteContext>, never, R>
): Layer.Layer<never, never, ApiKeys | Exclude<R, Scope.Scope>> =>
  access === "off" ? Layer.empty : HttpApiBuilder.Router.use((router) =>
    Effect.gen(function*() {
      const keys = yield* ApiKeys
      const app = Effect.map(yield* make, harden(policy))
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

/** `/metrics`, `/docs`, `/openapi.json`, and the page at `/`. Without the page `/` leads to `/docs`. */
export const layer = (
  access: { readonly docs: Access; readonly metrics: Access; readonly page: Exclude<Access, "key"> }
) =>
  Layer.mergeAll(
    page("/metrics", access.metrics, referencePolicy, Effect.succeed(metricsPage)),
    page("/docs", access.docs, referencePolicy, referencePage.make("/docs")),
    page("/openapi.json", access.docs, referencePolicy, openApiDocument),
    access.page === "open"
      ? Layer.unwrapEffect(Effect.map(uploadsPage.make, ({ asset, index }) =>
        Layer.merge(
          page("/", "open", uploadsPolicy, Effect.succeed(index)),
          page("/page/:name", "open", uploadsPolicy, Effect.succeed(asset))
        )))
      // Everybody may know where the page is.
      : page(
        "/",
        access.docs === "off" ? "off" : "open",
        referencePolicy,
        Effect.succeed(Effect.succeed(toReferencePage))
      )
  )
