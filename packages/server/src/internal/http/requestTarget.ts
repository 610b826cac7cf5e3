import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import { IncomingMessage } from "node:http"
import { rejection } from "./rejection.js"

/** `http://host/path` as a request target: the form that a proxy sends. */
const absoluteForm = /^https?:\/\/([^/?#]*)/i

/** The host that the request is for. That of an absolute-form target replaces the `Host` header (RFC 9112, section 3.2.2). */
export const hostOf = ({ headers, originalUrl }: HttpServerRequest.HttpServerRequest): string =>
  absoluteForm.exec(originalUrl)?.[1] ?? headers["host"] ?? ""

/** `uri-host [":" port]` (RFC 9110, section 7.2). The host may be empty. */
const hostGrammar = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i

const malformedHost = rejection(400, {
  code: "invalid_host",
  message: "The host of the request is not `host` or `host:port`"
})

/** Both the `Host` header and the host of an absolute-form target. */
const hasValidHosts = (request: HttpServerRequest.HttpServerRequest): boolean =>
  hostGrammar.test(request.headers["host"] ?? "") && hostGrammar.test(hostOf(request))

/** Node keeps the first of several `Host` headers. A proxy in front may have read another one. */
const hasOneHost = ({ source }: HttpServerRequest.HttpServerRequest): boolean =>
  !(source instanceof IncomingMessage) || (source.headersDistinct["host"] ?? []).length <= 1

const severalHosts = rejection(400, { code: "invalid_host", message: "There are several `Host` headers. Send one" })

/**
 * Reduces the request target to a path. The operations are below `/v1`, as in the API, and also without it, for clients whose
 * base URL has no version.
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    if (!hasOneHost(request)) return Effect.succeed(severalHosts)
    if (!hasValidHosts(request)) return Effect.succeed(malformedHost)
    // The path of an absolute-form target may be empty.
    const path = request.url.replace(absoluteForm, "").replace(/^(?=\?|$)/, "/")
    const url = /^\/v1\/./.test(path) ? path.slice("/v1".length) : path
    return url === request.url
      ? app
      : Effect.provideService(app, HttpServerRequest.HttpServerRequest, request.modify({ url }))
  })
)
