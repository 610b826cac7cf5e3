/**
 * Logs every request. A request with a response is logged at debug level, so that the log is silent when all is well.
 *
 * @since 0.1.0
 */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/**
 * A request that was interrupted, because the client disconnected or was too slow, has no response, so it is logged. So is a
 * defect. Errors of a service are in the response, and failures of the stores are logged where the stores are called.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware = HttpMiddleware.make((app) =>
  app.pipe(
    Effect.tap(({ status }) =>
      // Annotations have a cost even if the line is not written.
      Effect.whenLogLevel(Effect.annotateLogs(Effect.logDebug("Responded"), { status }), "Debug")
    ),
    Effect.onError((cause) => {
      if (Cause.isInterruptedOnly(cause)) return Effect.logInfo("The client disconnected before the response")
      // A request without a valid key fails here, and its response is made further out.
      return Cause.isDie(cause) ? Effect.logError("A request failed unexpectedly", cause) : Effect.logDebug("Rejected")
    })
  )
)
