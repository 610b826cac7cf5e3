import { ServiceUnavailable } from "@effect-uploads/http/ServiceError"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { StorageError } from "../StorageError.js"

/** Logs the failure for the operator. The caller gets `ServiceUnavailable` without details. */
const report = <E>(error: E | StorageError): Effect.Effect<never, E | ServiceUnavailable> =>
  error instanceof StorageError
    ? Effect.zipRight(
      Effect.annotateLogs(Effect.logError(error.message), { store: error.store, reason: error.reason }),
      new ServiceUnavailable({})
    )
    : Effect.fail(error)

export const effect = <A, E, R>(
  self: Effect.Effect<A, E | StorageError, R>
): Effect.Effect<A, E | ServiceUnavailable, R> => Effect.catchAll(self, (error) => report<E>(error))

export const stream = <A, E, R>(
  self: Stream.Stream<A, E | StorageError, R>
): Stream.Stream<A, E | ServiceUnavailable, R> => Stream.catchAll(self, (error) => Stream.fromEffect(report<E>(error)))
