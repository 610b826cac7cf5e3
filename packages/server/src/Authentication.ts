/**
 * Authenticates a request by its API key, which determines the project of the request.
 *
 * @since 0.1.0
 */
import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { ErrorEnvelope } from "@effect-uploads/http/ErrorEnvelope"
import { toReply } from "@effect-uploads/http/ErrorMapping"
import { Unauthenticated } from "@effect-uploads/http/ServiceError"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ApiKeys } from "./ApiKeys.js"
import { CurrentProject } from "./Project.js"

const unauthenticated = (message: string) =>
  new Unauthenticated({ response: new ErrorResponse({ status: 401, message }) })

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

/**
 * The middleware of every operation.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Authentication extends HttpApiMiddleware.Tag<Authentication>()(
  "@effect-uploads/server/Authentication",
  {
    failure: AuthenticationFailed,
    provides: CurrentProject,
    security: { bearer: HttpApiSecurity.bearer }
  }
) {}

/** `HttpApiSecurity.bearer` accepts any scheme of six letters. */
const isBearer = Effect.map(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) => /^bearer /i.test(headers["authorization"] ?? "")
)

/**
 * Accepts the keys of {@link ApiKeys}. Without keys, every request belongs to the default project.
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
    return {
      bearer: (key) =>
        keys.isOpen
          ? CurrentProject
          : Effect.flatMap(isBearer, (isBearer) =>
            isBearer && Redacted.value(key) !== ""
              ? Effect.mapError(keys.projectOf(key), () => unauthenticated("The API key is unknown"))
              : unauthenticated("The API key is missing. Send it as `Authorization: Bearer KEY`"))
    }
  })
)
