/**
 * A line in the log for each request: at debug level if it was answered, so that nothing has to be filtered out when all is
 * well.
 *
 * @since 0.1.0
 */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/** What stands after the path may be a secret. */
const pathOf = ({ originalUrl }: HttpServerRequest.HttpServerRequest): string => originalUrl.split("?")[0] ?? ""

/**
 * A client that goes away, or is too slow, interrupts its request; that is told, for it is not seen in any answer. So is what
 * nobody expected. What a service refuses is in its answer, and why the stores failed is told where they are called.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    app.pipe(
      Effect.tap((response) => Effect.annotateLogs(Effect.logDebug("Answered"), { status: response.status })),
      Effect.onError((cause) => {
        if (Cause.isInterruptedOnly(cause)) return Effect.logInfo("The client went away before it was answered")
        // What fails otherwise has no key: that it is answered is seen further out only.
        return Cause.isDie(cause) ? Effect.logError("A request failed unexpectedly", cause) : Effect.logDebug("Refused")
      }),
      Effect.annotateLogs({ method: request.method, path: pathOf(request) })
    ))
)
