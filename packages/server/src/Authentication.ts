/**
 * Who may: a request is for the project of its API key, or refused.
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

const refusal = (message: string) => new Unauthenticated({ response: new ErrorResponse({ status: 401, message }) })

/** As every other error of the API is answered. */
const AuthenticationFailed = Schema.transform(
  Schema.encodedSchema(ErrorEnvelope),
  Schema.typeSchema(Unauthenticated),
  {
    strict: true,
    decode: ({ error }) => refusal(error.message),
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

/** `HttpApiSecurity.bearer` takes what follows any word of six letters. */
const isBearer = Effect.map(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) => /^bearer /i.test(headers["authorization"] ?? "")
)

/**
 * By the keys of {@link ApiKeys}. Where there are none, every request is for the default project.
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
              ? Effect.mapError(keys.projectOf(key), () => refusal("The API key is not one of this server's"))
              : refusal("No API key was provided: it is sent as `Authorization: Bearer`"))
    }
  })
)
