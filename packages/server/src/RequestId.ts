/**
 * An id for each request, in its answer and in every line of the log that it causes.
 *
 * @since 0.1.0
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const header = "x-request-id"

/** 128 random bits, as OpenAI's request ids have them. */
const randomRequestId: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 2 ** 32), 4),
  (words) => `req_${words.map((word) => word.toString(16).padStart(8, "0")).join("")}`
)

/**
 * An answer that comes from a service further on keeps that one's id.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.flatMap(randomRequestId, (requestId) =>
    HttpApp.appendPreResponseHandler((_, response) =>
      Effect.succeed(
        header in response.headers ? response : HttpServerResponse.setHeader(response, header, requestId)
      )
    ).pipe(
      Effect.zipRight(app),
      Effect.annotateLogs({ requestId }),
      Effect.annotateSpans({ requestId })
    ))
)
