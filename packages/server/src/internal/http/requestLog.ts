/**
 * A line in the log for each request: at debug level if it was answered, so that nothing has to be filtered out when all is
 * well.
 *
 * @since 0.1.0
 */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/**
 * A client that goes away, or is too slow, interrupts its request; that is told, for it is not seen in any answer. So is what
 * nobody expected. What a service refuses is in its answer, and why the stores failed is told where they are called.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware = HttpMiddleware.make((app) =>
  app.pipe(
    Effect.tap(({ status }) =>
      // Annotations cost something even where the line is not written.
      Effect.whenLogLevel(Effect.annotateLogs(Effect.logDebug("Answered"), { status }), "Debug")
    ),
    Effect.onError((cause) => {
      if (Cause.isInterruptedOnly(cause)) return Effect.logInfo("The client went away before it was answered")
      // What fails otherwise has no key: that it is answered is seen further out only.
      return Cause.isDie(cause) ? Effect.logError("A request failed unexpectedly", cause) : Effect.logDebug("Refused")
    })
  )
)
