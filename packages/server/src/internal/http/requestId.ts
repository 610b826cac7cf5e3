/**
 * Gives each request an id, which stands in the response and in every line of the log that the request causes.
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
 * A new id in OpenAI's form: `req_` and 32 hexadecimal digits.
 *
 * @since 0.1.0
 * @category constructors
 */
export const random: Effect.Effect<string> = Effect.map(randomHexDigits, (digits) => `req_${digits}`)

/** Leaves the query out, which may hold a secret. */
const pathOf = ({ originalUrl }: HttpServerRequest.HttpServerRequest): string => originalUrl.split("?")[0] ?? ""

/**
 * A response that was passed on from another service keeps the id of that service. The lines also have method and path.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.flatMap(Effect.zip(HttpServerRequest.HttpServerRequest, random), ([request, requestId]) => {
    const withId = HttpApp.appendPreResponseHandler((_, response) =>
      Effect.succeed(
        header in response.headers ? response : HttpServerResponse.setHeader(response, header, requestId)
      )
    )
    // Set for the rest of the fiber, which serves this request only.
    const annotateLogs = FiberRef.update(
      FiberRef.currentLogAnnotations,
      (annotations) =>
        annotations.pipe(
          HashMap.set<string, unknown>("method", request.method),
          HashMap.set<string, unknown>("path", pathOf(request)),
          HashMap.set<string, unknown>("requestId", requestId)
        )
    )
    const annotateSpans = FiberRef.update(
      FiberRef.currentTracerSpanAnnotations,
      HashMap.set<string, unknown>("requestId", requestId)
    )
    return withId.pipe(Effect.zipRight(annotateLogs), Effect.zipRight(annotateSpans), Effect.zipRight(app))
  })
)
