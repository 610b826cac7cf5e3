/**
 * Authenticates a request by its API key, which determines the project of the request, and limits the requests of a project
 * that are in flight at the same time.
 *
 * @since 0.1.0
 */
import { ErrorEnvelope } from "@effect-uploads/http/ErrorEnvelope"
import { toReply } from "@effect-uploads/http/ErrorMapping"
import { RateLimited, Unauthenticated } from "@effect-uploads/http/ServiceError"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { ApiKeys } from "./ApiKeys.js"
import { authenticate, unauthenticated } from "./internal/http/authorization.js"
import * as requestShare from "./internal/http/requestShare.js"
import { rateLimited } from "./internal/http/requestShare.js"
import { CurrentProject, ProjectLimits } from "./Project.js"

/** Encoded as every other error of the API. */
const AuthenticationFailed = Schema.transform(
  Schema.encodedSchema(ErrorEnvelope),
  Schema.typeSchema(Unauthenticated),
  {
    strict: true,
    decode: ({ error }) => unauthenticated(error.message),
    encode: (error) => toReply(error).envelope
  }
).annotations({ ...HttpApiSchema.annotations({ status: 401 }), identifier: "AuthenticationFailed" })

/** Encoded as every other error of the API. */
const TooManyRequests = Schema.transform(
  Schema.encodedSchema(ErrorEnvelope),
  Schema.typeSchema(RateLimited),
  {
    strict: true,
    decode: ({ error }) => rateLimited(error.message),
    encode: (error) => toReply(error).envelope
  }
).annotations({ ...HttpApiSchema.annotations({ status: 429 }), identifier: "TooManyRequests" })

/**
 * The middleware of every operation. It fails with `Unauthenticated` (401), or with `RateLimited` (429) when the project has as
 * many requests in flight as `ProjectLimits` allow.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Authentication extends HttpApiMiddleware.Tag<Authentication>()(
  "@effect-uploads/server/Authentication",
  {
    failure: Schema.Union(AuthenticationFailed, TooManyRequests),
    provides: CurrentProject,
    security: { bearer: HttpApiSecurity.bearer }
  }
) {}

/** An error of a middleware has no headers of its own. */
const addHeaders = (error: Unauthenticated | RateLimited) =>
  HttpApp.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeaders(response, toReply(error).headers))
  )

/**
 * Accepts the keys of {@link ApiKeys}. Without keys, every request belongs to the default project. A request is in flight until
 * its response has been sent; the limit is the one of `ProjectLimits`.
 *
 * @example
 * ```ts
 * import * as ApiKeys from "@effect-uploads/server/ApiKeys"
 * import * as Authentication from "@effect-uploads/server/Authentication"
 * import { ProjectId } from "@effect-uploads/server/Project"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const keys = ApiKeys.layer([{ project: ProjectId.make("alpha"), key: Redacted.make("sk-alpha") }])
 * export const authentication = Layer.provide(Authentication.layer, keys)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Authentication, never, ApiKeys> = Layer.effect(
  Authentication,
  Effect.gen(function*() {
    const keys = yield* ApiKeys
    const share = requestShare.make((yield* ProjectLimits).requestsInFlight)
    return {
      bearer: () => authenticate(keys).pipe(Effect.tap(share.acquire), Effect.tapError(addHeaders))
    }
  })
)
