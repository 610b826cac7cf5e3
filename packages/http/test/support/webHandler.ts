import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import * as Effect from "effect/Effect"

/** The API in the context as a web handler, without a socket, so that a test chooses the chunks of a request's body. */
export const webHandler = Effect.gen(function*() {
  const app = yield* HttpApiBuilder.httpApp
  return HttpApp.toWebHandlerRuntime(yield* Effect.runtime<HttpRouter.HttpRouter.DefaultServices>())(app)
})
