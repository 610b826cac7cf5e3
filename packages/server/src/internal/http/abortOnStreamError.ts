import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/**
 * Closes the connection when a body fails that has begun. `NodeHttpServer` ends such a response like any other, and the client
 * would wait for the rest of the body until the idle connection is closed.
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.flatMap(app, (response) => {
    const { body } = response
    if (body._tag !== "Stream") return Effect.succeed(response)
    return Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
      const close = Effect.sync(() => NodeHttpServerRequest.toServerResponse(request).destroy())
      return HttpServerResponse.setBody(
        response,
        HttpBody.stream(Stream.onError(body.stream, () => close), body.contentType, body.contentLength)
      )
    })
  })
)
