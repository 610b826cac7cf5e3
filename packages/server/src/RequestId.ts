/**
 * An id for each request, in its answer and in every line of the log that it causes.
 *
 * @since 0.1.0
 */
import { randomHexDigits } from "@effect-uploads/domain/Ids"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"

const header = "x-request-id"

/** As OpenAI's request ids are. */
const randomRequestId: Effect.Effect<string> = Effect.map(randomHexDigits, (digits) => `req_${digits}`)

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
