import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"

/** The headers that our clients and the official ones send. A client that traces sends `b3` and `traceparent`. */
const allowedHeaders = [
  "authorization",
  "b3",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "if-range",
  "openai-organization",
  "openai-project",
  "range",
  "traceparent",
  "x-stainless-arch",
  "x-stainless-lang",
  "x-stainless-os",
  "x-stainless-package-version",
  "x-stainless-retry-count",
  "x-stainless-runtime",
  "x-stainless-runtime-version",
  "x-stainless-timeout"
]

/** The headers that our clients read. */
const exposedHeaders = [
  "content-disposition",
  "content-range",
  "date",
  "etag",
  "retry-after",
  "retry-after-ms",
  "x-request-id"
]

/** The time for which a browser may cache a preflight response, in seconds. */
const maxAge = 600

/** Responds to preflight requests, and sends the CORS headers, for exactly the given origins. */
export const middleware = (origins: ReadonlyArray<string>) => {
  const isAllowed = (origin: string) => origins.includes(origin)
  const cors = HttpMiddleware.cors({
    allowedOrigins: isAllowed,
    allowedMethods: ["GET", "HEAD", "POST", "DELETE"],
    allowedHeaders,
    exposedHeaders,
    maxAge
  })
  return HttpMiddleware.make((app) => {
    const withCors = cors(app)
    return Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      ({ headers }) => headers["origin"] !== undefined && isAllowed(headers["origin"]) ? withCors : app
    )
  })
}
