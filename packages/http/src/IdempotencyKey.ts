/**
 * The `Idempotency-Key` of a call: a service that knows the header returns its first response to a repeated key.
 *
 * The client sends a random key with every POST, the same key in all attempts of one call. {@link withKey} replaces it by a
 * key of the caller's, so that a call stays the same call when the caller makes it again, even in another process. The
 * routes hand the key of a request to the service in the context in the same way.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 *
 * @since 0.1.0
 */
import * as IdempotencyRecord from "@effect-uploads/domain/IdempotencyRecord"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { dual } from "effect/Function"
import * as Option from "effect/Option"

/**
 * The key of the call that is running. None by default: a client then makes one up, and a service remembers nothing.
 *
 * @since 0.1.0
 * @category services
 */
export class IdempotencyKey extends Context.Reference<IdempotencyKey>()<
  "@effect-uploads/http/IdempotencyKey",
  Option.Option<string>
>("@effect-uploads/http/IdempotencyKey", { defaultValue: Option.none }) {}

/**
 * The name of the header, in lower case.
 *
 * @since 0.1.0
 * @category constants
 */
export const header = "idempotency-key"

/**
 * The `field` of an `InvalidRequest` about the key.
 *
 * @since 0.1.0
 * @category constants
 */
export const field = IdempotencyRecord.field

/**
 * The maximum length of a key, in characters.
 *
 * @since 0.1.0
 * @category constants
 */
export const maximumLength = 255

/**
 * Checks that a key can be sent in a header: 1 to 255 visible ASCII characters.
 *
 * @since 0.1.0
 * @category guards
 */
export const validate = (key: string): Either.Either<string, InvalidRequest> =>
  key.length <= maximumLength && /^[\x21-\x7e]+$/.test(key)
    ? Either.right(key)
    : Either.left(
      new InvalidRequest({
        field,
        problem: key.length > maximumLength ? `it has ${key.length} characters` : "it is empty or has other characters",
        limit: `1 to ${maximumLength} visible ASCII characters`
      })
    )

/**
 * Runs a call with a key of the caller's.
 *
 * @example
 * ```ts
 * import { UploadsService } from "@effect-uploads/http/UploadsService"
 * import * as IdempotencyKey from "@effect-uploads/http/IdempotencyKey"
 * import * as Effect from "effect/Effect"
 *
 * // A job that is started again creates no second Upload.
 * export const create = (jobId: string) =>
 *   Effect.flatMap(UploadsService, (uploads) =>
 *     uploads.create({ filename: "train.jsonl", bytes: 12, purpose: "fine-tune", mimeType: "text/jsonl" })
 *   ).pipe(IdempotencyKey.withKey(`${jobId}-create`))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const withKey: {
  (key: string): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, key: string): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, key: string): Effect.Effect<A, E, R> =>
    Effect.provideService(self, IdempotencyKey, Option.some(key))
)

/**
 * Runs one step of a call with a key of its own: that of the call and the name of the step. Without a key of the call the
 * step has none.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withStep: {
  (step: string): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, step: string): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, step: string): Effect.Effect<A, E, R> =>
    Effect.flatMap(
      IdempotencyKey,
      (key) => Effect.provideService(self, IdempotencyKey, Option.map(key, (key) => `${key}/${step}`))
    )
)
