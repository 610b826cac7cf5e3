import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { Unauthenticated } from "@effect-uploads/http/ServiceError"
import * as Headers from "@effect/platform/Headers"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { IncomingMessage } from "node:http"
import type * as ApiKeys from "../../ApiKeys.js"
import type { ProjectId } from "../../Project.js"
import { CurrentProject } from "../../Project.js"

export const unauthenticated = (message: string) =>
  new Unauthenticated({ response: new ErrorResponse({ status: 401, message }) })

/** Node keeps the first of several `Authorization` headers. A proxy in front may have read another one. */
const authorizationsOf = ({ headers, source }: HttpServerRequest.HttpServerRequest): ReadonlyArray<string> =>
  source instanceof IncomingMessage
    ? source.headersDistinct["authorization"] ?? []
    : Option.toArray(Headers.get(headers, "authorization"))

/** The key of a request. The scheme is read here, because `HttpApiSecurity.bearer` accepts any scheme of six letters. */
const keyOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Redacted.Redacted, Unauthenticated> => {
  const [authorization = "", ...others] = authorizationsOf(request)
  if (others.length > 0) return unauthenticated("There are several `Authorization` headers. Send one")
  const [, key] = /^bearer +(.+)$/i.exec(authorization) ?? []
  return key === undefined
    ? unauthenticated("The API key is missing. Send it as `Authorization: Bearer KEY`")
    : Effect.succeed(Redacted.make(key))
}

/** The project of a request, by its key. Without keys, every request belongs to the default project. */
export const authenticate = (
  keys: ApiKeys.Service
): Effect.Effect<ProjectId, Unauthenticated, HttpServerRequest.HttpServerRequest> =>
  keys.isOpen
    ? CurrentProject
    : HttpServerRequest.HttpServerRequest.pipe(
      Effect.flatMap(keyOf),
      Effect.flatMap((key) => Effect.mapError(keys.projectOf(key), () => unauthenticated("The API key is unknown")))
    )
