/**
 * Who may: a request is for the project of its API key, or refused.
 *
 * @since 0.1.0
 */
import { ErrorEnvelope } from "@effect-uploads/http/ErrorEnvelope"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { ApiKeys } from "./ApiKeys.js"
import { CurrentProject } from "./Project.js"

/**
 * The middleware of every operation.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Authentication extends HttpApiMiddleware.Tag<Authentication>()(
  "@effect-uploads/server/Authentication",
  {
    failure: ErrorEnvelope.annotations(HttpApiSchema.annotations({ status: 401 })),
    provides: CurrentProject,
    security: { bearer: HttpApiSecurity.bearer }
  }
) {}

const refusal = (message: string) =>
  new ErrorEnvelope({ error: { message, type: "invalid_request_error", param: null, code: "invalid_api_key" } })

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
          : Effect.mapError(keys.projectOf(key), () =>
            refusal(Redacted.value(key) === "" ? "No API key was provided" : "The API key is not one of this server's"))
    }
  })
)
