import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"

/** `http://host/path` as a request target: the form that a proxy sends. */
const absoluteForm = /^https?:\/\/([^/?#]*)/i

/** The host that the request is for. That of an absolute-form target replaces the `Host` header (RFC 9112, section 3.2.2). */
export const hostOf = ({ headers, originalUrl }: HttpServerRequest.HttpServerRequest): string =>
  absoluteForm.exec(originalUrl)?.[1] ?? headers["host"] ?? ""

/**
 * Reduces the request target to a path. The operations are below `/v1`, as in the API, and also without it, for clients whose
 * base URL has no version.
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.updateService(app, HttpServerRequest.HttpServerRequest, (request) => {
    const path = request.url.replace(absoluteForm, "")
    const url = /^\/v1\/./.test(path) ? path.slice("/v1".length) : path === "" ? "/" : path
    return url === request.url ? request : request.modify({ url })
  })
)
