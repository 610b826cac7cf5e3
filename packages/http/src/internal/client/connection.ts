import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { constTrue, flow, identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import type { ClientOptions } from "../../ClientOptions.js"
import { defaultApiUrl } from "../../ClientOptions.js"
import { TransportFailed } from "../../ServiceError.js"
import type { Redact } from "../secrets.js"
import { isHeaderText, sanitized, secretHeader } from "../secrets.js"
import { withoutFetchRedirects } from "./redirect.js"

/** The options that are sent as headers. An error about one of them names the option. */
const headerOptions = [
  { option: "apiKey", header: "authorization", value: (text: string) => `Bearer ${text}` },
  { option: "organizationId", header: "openai-organization", value: (text: string) => text },
  { option: "projectId", header: "openai-project", value: (text: string) => text }
] as const

/** Paths are appended to it: after a query they would become part of the query, and without a host they would become one. */
const isBaseUrl = (text: string): boolean => /^https?:\/\/[^/?#]+[^?#]*$/i.test(text)

/** An `HttpClient` with the URL and the headers of the service, and with typed errors. */
export const connect = (
  client: HttpClient.HttpClient,
  options: ClientOptions,
  redact: Redact,
  context: Context.Context<never>
) => {
  const apiUrl = (options.apiUrl ?? defaultApiUrl).replace(/\/+$/, "")
  const notUrl = new InvalidRequest({
    field: "apiUrl",
    problem: `cannot make a URL of ${redact(apiUrl)}`,
    limit: "an http(s) URL without a query"
  })
  // A compressed response is decoded by fetch alone, so none is asked for.
  let headers = Headers.set(Headers.empty, "accept-encoding", "identity")
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
  /** Paths are relative to the API. The target of a redirect is a whole URL. */
  const toApi = (request: HttpClientRequest.HttpClientRequest) =>
    request.url.startsWith("/") ? HttpClientRequest.prependUrl(request, apiUrl) : request
  const prepared = client.pipe(
    HttpClient.mapRequest(flow(toApi, HttpClientRequest.setHeaders(headers))),
    options.transformClient ?? ((client) => client)
  )
  const redactedNames = [...headerOptions.map(({ header }) => header), secretHeader]

  const withTypedErrors = <R>(client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, R>) =>
  (
    request: HttpClientRequest.HttpClientRequest
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, InvalidRequest | TransportFailed, R> =>
    unsendable !== undefined ? Effect.fail(unsendable) : client.execute(request).pipe(
      (sent) =>
        Effect.withFiberRuntime<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R>((fiber) => {
          const outer = settingsOf(fiber)
          const traced = isTraced(fiber)
          const inner: Settings = {
            context: request.method === "GET" ? outer.context : withoutFetchRedirects(outer.context, context),
            redactedNames: [...outer.redactedNames, ...redactedNames],
            tracerDisabledWhen: traced ? outer.tracerDisabledWhen : constTrue
          }
          return Effect.ensuring(
            Effect.zipRight(apply(inner), traced ? redactSpans(sent, fiber.currentTracer, redact) : sent),
            apply(outer)
          )
        }),
      Effect.catchAll((error) => {
        // `transformClient` may fail on a status, as `HttpClient.filterStatusOk` does: read the response all the same.
        if (error._tag === "ResponseError" && error.reason === "StatusCode") return Effect.succeed(error.response)
        return Effect.fail(error.reason === "InvalidUrl" ? notUrl : transportFailed(error, redact))
      })
    )

  return {
    /** For a body that is read to its end. The connection is free for another request after that. */
    execute: withTypedErrors(prepared),
    /** For a body that is streamed. The connection closes with the scope. */
    executeScoped: withTypedErrors(HttpClient.withScope(prepared))
  }
}

const nativeTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/**
 * Whether somebody can see the span of the `HttpClient`: a tracer other than the default one, which records nothing, or the
 * caller's own span, whose trace continues in the headers. Without both, the outermost span is that of our method.
 */
const isTraced = (fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean => {
  const span = Context.getOption(fiber.currentContext, Tracer.ParentSpan)
  return fiber.currentTracer !== nativeTracer ||
    Option.exists(span, (span) => span._tag === "ExternalSpan" || Option.isSome(span.parent))
}

/** What the `HttpClient` and its logs read from the fiber during a request. */
interface Settings {
  readonly context: Context.Context<never>
  readonly redactedNames: ReadonlyArray<string | RegExp>
  /** Without a tracer and a span of the caller's, the `HttpClient` makes no span and sends no headers of a trace. */
  readonly tracerDisabledWhen: (request: HttpClientRequest.HttpClientRequest) => boolean
}

const settingsOf = (fiber: Fiber.RuntimeFiber<unknown, unknown>): Settings => ({
  context: fiber.currentContext,
  redactedNames: fiber.getFiberRef(Headers.currentRedactedNames),
  tracerDisabledWhen: fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)
})

/** Sets all of them at once: an `Effect.locally` for each costs three times as much. */
const apply = ({ context, redactedNames, tracerDisabledWhen }: Settings): Effect.Effect<void> =>
  FiberRef.set(FiberRef.currentContext, context).pipe(
    Effect.zipRight(FiberRef.set(Headers.currentRedactedNames, redactedNames)),
    Effect.zipRight(FiberRef.set(HttpClient.currentTracerDisabledWhen, tracerDisabledWhen))
  )

/**
 * Redacts the attributes of all spans within. The span of the `HttpClient` has the headers of the response, and a service may
 * repeat the key in any of them.
 */
const redactSpans = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  tracer: Tracer.Tracer,
  redact: Redact
): Effect.Effect<A, E, R> =>
  redact === identity ? effect : Effect.withTracer(
    effect,
    Tracer.make({
      span: (...options) => {
        const span = tracer.span(...options)
        const attribute = span.attribute.bind(span)
        return Object.assign(span, {
          attribute: (key: string, value: unknown) => attribute(key, Predicate.isString(value) ? redact(value) : value)
        })
      },
      context: (f, fiber) => tracer.context(f, fiber)
    })
  )

/** The messages of all causes: the outermost one alone is often just "fetch failed". */
const reasonOf = (error: Error): string =>
  Predicate.isError(error.cause) ? `${error.message}: ${reasonOf(error.cause)}` : error.message

export const transportFailed = (
  { cause, reason }: HttpClientError.HttpClientError,
  redact: Redact
): TransportFailed => {
  if (!Predicate.isError(cause)) {
    return new TransportFailed({ reason: cause === undefined ? reason : "for an unknown reason" })
  }
  const safe = sanitized(cause, redact)
  return new TransportFailed({ reason: reasonOf(safe), cause: safe })
}
