import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import { flow } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { ClientOptions } from "../../ClientOptions.js"
import { defaultApiUrl } from "../../ClientOptions.js"
import { TransportFailed } from "../../ServiceError.js"
import type { Redact } from "../secrets.js"
import { isHeaderText, sanitized, secretHeader } from "../secrets.js"

/** The secrets and names that stand in headers, with the fields that an error names. */
const headerOptions = [
  { option: "apiKey", header: "authorization", value: (text: string) => `Bearer ${text}` },
  { option: "organizationId", header: "openai-organization", value: (text: string) => text },
  { option: "projectId", header: "openai-project", value: (text: string) => text }
] as const

/** A path is added to it: after a query it would be part of that, and without a host it would be taken for one. */
const isBaseUrl = (text: string): boolean => /^https?:\/\/[^/?#]+[^?#]*$/i.test(text)

/** An `HttpClient` that knows the service, with its own errors turned into ours. */
export const connect = (client: HttpClient.HttpClient, options: ClientOptions, redact: Redact) => {
  const apiUrl = (options.apiUrl ?? defaultApiUrl).replace(/\/+$/, "")
  const notUrl = new InvalidRequest({
    field: "apiUrl",
    problem: `cannot make a URL of ${apiUrl}`,
    limit: "an http(s) URL without a query"
  })
  let headers = Headers.empty
  let unsendable = isBaseUrl(apiUrl) ? undefined : notUrl
  for (const { header, option, value } of headerOptions) {
    const secret = options[option]
    if (secret === undefined) continue
    const text = Redacted.value(secret)
    if (isHeaderText(text)) headers = Headers.set(headers, header, value(text))
    else {
      unsendable ??= new InvalidRequest({
        field: option,
        problem: text === "" ? "it is empty" : "it has characters that a header cannot carry",
        limit: "visible ASCII characters without spaces"
      })
    }
  }
  const prepared = client.pipe(
    HttpClient.mapRequest(flow(HttpClientRequest.prependUrl(apiUrl), HttpClientRequest.setHeaders(headers))),
    options.transformClient ?? ((client) => client)
  )
  const hidden = [...headerOptions.map(({ header }) => header), secretHeader]

  const through = <R>(client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, R>) =>
  (
    request: HttpClientRequest.HttpClientRequest
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, InvalidRequest | TransportFailed, R> =>
    unsendable !== undefined ? Effect.fail(unsendable) : client.execute(request).pipe(
      Effect.locallyWith(Headers.currentRedactedNames, (names) => [...names, ...hidden]),
      Effect.catchTags({
        // A `transformClient` may have turned statuses into failures: they are answers all the same.
        ResponseError: (error) =>
          error.reason === "StatusCode" ? Effect.succeed(error.response) : Effect.fail(transportFailed(error, redact)),
        RequestError: (error) =>
          Effect.fail(
            error.reason === "InvalidUrl" ? notUrl : transportFailed(error, redact)
          )
      })
    )

  return {
    /** For an answer that is read to its end: the connection is free for another request. */
    execute: through(prepared),
    /** For an answer that is read as it comes: the connection ends with the scope. */
    executeScoped: through(HttpClient.withScope(prepared))
  }
}

/** The messages down the causes: the outermost one alone is often just "fetch failed". */
const reasonOf = (error: Error): string =>
  Predicate.isError(error.cause) ? `${error.message}: ${reasonOf(error.cause)}` : error.message

export const transportFailed = (
  { cause, reason }: HttpClientError.HttpClientError,
  redact: Redact
): TransportFailed => {
  if (!Predicate.isError(cause)) {
    return new TransportFailed({ reason: cause === undefined ? reason : "for an unknown reason" })
  }
  const told = sanitized(cause, redact)
  return new TransportFailed({ reason: reasonOf(told), cause: told })
}
