/*
 * Redirects, for all HTTP clients alike. A redirect is followed within its origin only, so that the key stays with its origin.
 * A GET follows every redirect. Other methods follow 307 and 308 only: after 301, 302 and 303 clients send a GET instead.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Redact } from "../secrets.js"

const maximumRedirects = 5

const parseUrl = Option.liftThrowable((url: string, base: string) => new URL(url, base))

/** Where the request is sent next, if the redirect may be followed. A URL with the key in it would appear in spans. */
const redirectTarget = (
  { headers, request, status }: HttpClientResponse.HttpClientResponse,
  redact: Redact
): Option.Option<URL> => {
  const location = headers["location"]
  const followed = request.method === "GET" ? [301, 302, 303, 307, 308] : [307, 308]
  return location === undefined || redact(location) !== location || !followed.includes(status) ?
    Option.none() :
    Option.filter(
      parseUrl(location, request.url),
      // `fetch` sends no request to a URL with a password, and quotes the URL in its error.
      ({ origin, password, username }) =>
        Option.exists(
          parseUrl("", request.url),
          (base) => base.origin === origin && base.username === username && base.password === password
        )
    )
}

/** Sends a request, and follows redirects. `drain` reads the body of a redirect to its end. */
export const followRedirects = <E, R>(
  send: (
    request: HttpClientRequest.HttpClientRequest
  ) => Effect.Effect<HttpClientResponse.HttpClientResponse, E, R>,
  drain: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<unknown, E>,
  redact: Redact
) => {
  const follow = (
    request: HttpClientRequest.HttpClientRequest,
    remaining: number
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, E, R> =>
    Effect.flatMap(
      send(request),
      (response) =>
        Option.match(remaining === 0 ? Option.none() : redirectTarget(response, redact), {
          onNone: () => Effect.succeed(response),
          onSome: (url) =>
            Effect.zipRight(drain(response), follow(HttpClientRequest.setUrl(request, url), remaining - 1))
        })
    )
  return (request: HttpClientRequest.HttpClientRequest) => follow(request, maximumRedirects)
}

/**
 * `fetch` turns a redirected POST into a GET by itself. In this context it returns the redirect instead. The other options are
 * those of `context`, else of `built`.
 */
export const withoutFetchRedirects = (
  context: Context.Context<never>,
  built: Context.Context<never>
): Context.Context<never> =>
  Context.add(context, FetchHttpClient.RequestInit, {
    ...(Context.getOrElse(context, FetchHttpClient.RequestInit, () => undefined) ??
      Context.getOrElse(built, FetchHttpClient.RequestInit, () => undefined)),
    redirect: "manual"
  })
