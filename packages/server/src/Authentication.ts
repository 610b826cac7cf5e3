/**
 * Authenticates a request by its API key, which determines the project of the request.
 *
 * @since 0.1.0
 */
import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { ErrorEnvelope } from "@effect-uploads/http/ErrorEnvelope"
import { toReply } from "@effect-uploads/http/ErrorMapping"
import { Unauthenticated } from "@effect-uploads/http/ServiceError"
import * as Headers from "@effect/platform/Headers"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { IncomingMessage } from "node:http"
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

/** Node keeps the first of several `Authorization` headers. A proxy in front may have read another one. */
const authorizationsOf = ({ headers, source }: HttpServerRequest.HttpServerRequest): ReadonlyArray<string> =>
  source instanceof IncomingMessage
    ? source.headersDistinct["authorization"] ?? []
    : Option.toArray(Headers.get(headers, "authorization"))

/** A key is sent in one header. `HttpApiSecurity.bearer` accepts any scheme of six letters. */
const validateHeader = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
  const [authorization, ...others] = authorizationsOf(request)
  if (others.length > 0) return unauthenticated("There are several `Authorization` headers. Send one")
  return authorization !== undefined && /^bearer ./i.test(authorization)
    ? Effect.void
    : unauthenticated("The API key is missing. Send it as `Authorization: Bearer KEY`")
})

/** An error of a middleware has no headers of its own. */
const addHeaders = (error: Unauthenticated) =>
  HttpApp.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeaders(response, toReply(error).headers))
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
          : validateHeader.pipe(
            Effect.zipRight(Effect.mapError(keys.projectOf(key), () => unauthenticated("The API key is unknown"))),
            Effect.tapError(addHeaders)
          )
    }
  })
)
