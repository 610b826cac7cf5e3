import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"

/**
 * Tells a client without a valid key how to authenticate (RFC 9110, section 11.6.1). The response to such a request is made
 * further out, so a handler adds the header.
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.zipRight(
    HttpApp.appendPreResponseHandler((_, response) =>
      Effect.succeed(
        response.status === 401 && !("www-authenticate" in response.headers)
          ? HttpServerResponse.setHeader(response, "www-authenticate", "Bearer realm=\"uploads\"")
          : response
      )
    ),
    app
  )
)
