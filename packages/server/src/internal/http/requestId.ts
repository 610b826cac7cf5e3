/**
 * An id for each request, in its answer and in every line of the log that it causes.
 *
 * @since 0.1.0
 */
import { randomHexDigits } from "@effect-uploads/domain/Ids"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"

/**
 * @since 0.1.0
 * @category constants
 */
export const header = "x-request-id"

/**
 * As OpenAI's request ids are.
 *
 * @since 0.1.0
 * @category constructors
 */
export const random: Effect.Effect<string> = Effect.map(randomHexDigits, (digits) => `req_${digits}`)

/** What stands after the path may be a secret. */
const pathOf = ({ originalUrl }: HttpServerRequest.HttpServerRequest): string => originalUrl.split("?")[0] ?? ""

/**
 * An answer that comes from a service further on keeps that one's id. The lines have the method and the path, too.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.flatMap(Effect.zip(HttpServerRequest.HttpServerRequest, random), ([request, requestId]) => {
    const answered = HttpApp.appendPreResponseHandler((_, response) =>
      Effect.succeed(
        header in response.headers ? response : HttpServerResponse.setHeader(response, header, requestId)
      )
    )
    // For the rest of the fiber, which is the request's own.
    const logged = FiberRef.update(
      FiberRef.currentLogAnnotations,
      (annotations) =>
        annotations.pipe(
          HashMap.set<string, unknown>("method", request.method),
          HashMap.set<string, unknown>("path", pathOf(request)),
          HashMap.set<string, unknown>("requestId", requestId)
        )
    )
    const traced = FiberRef.update(
      FiberRef.currentTracerSpanAnnotations,
      HashMap.set<string, unknown>("requestId", requestId)
    )
    return answered.pipe(Effect.zipRight(logged), Effect.zipRight(traced), Effect.zipRight(app))
  })
)
