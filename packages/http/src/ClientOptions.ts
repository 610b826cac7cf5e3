/**
 * How the HTTP layers reach a service.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { RetryPolicy } from "./RetryPolicy.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface ClientOptions {
  /** Sent as a bearer token. Without one no `authorization` header is sent. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** Up to and with the version. Default: `https://api.openai.com/v1`. */
  readonly apiUrl?: string | undefined
  /** Sent as `OpenAI-Organization`. */
  readonly organizationId?: Redacted.Redacted | undefined
  /** Sent as `OpenAI-Project`. */
  readonly projectId?: Redacted.Redacted | undefined
  /** The last word on the `HttpClient`, below retries and above the connection. */
  readonly transformClient?: ((client: HttpClient.HttpClient) => HttpClient.HttpClient) | undefined
  /** Default: `RetryPolicy.standard`, two retries. */
  readonly retryPolicy?: RetryPolicy | undefined
  /**
   * How long one attempt may take, from its first byte to the end of the answer; for the content of a File, how long may pass
   * without a byte. Default: 10 minutes.
   */
  readonly attemptTimeout?: Duration.DurationInput | undefined
  /**
   * The form in which a part is handed to the `HttpClient`. `stream` (the default) is read while it is sent; `fetch` then
   * sends it chunked, because a `fetch` body of which the length is known has to be a Blob. `blob` gives it one: no copy
   * for a Blob, while bytes and streams are held once in memory. The Node client takes streams only.
   */
  readonly partBody?: "stream" | "blob" | undefined
}

/**
 * @since 0.1.0
 * @category configuration
 */
export const defaultApiUrl = "https://api.openai.com/v1"

/**
 * {@link ClientOptions} of which the values that differ between environments are read from configuration.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientOptionsConfig extends Omit<ClientOptions, "apiKey" | "apiUrl" | "organizationId" | "projectId"> {
  /** Default: `OPENAI_API_KEY`. */
  readonly apiKey?: Config.Config<Redacted.Redacted | undefined> | undefined
  /** Default: `OPENAI_BASE_URL`, else `https://api.openai.com/v1`. */
  readonly apiUrl?: Config.Config<string | undefined> | undefined
  /** Default: `OPENAI_ORG_ID`, if it is set. */
  readonly organizationId?: Config.Config<Redacted.Redacted | undefined> | undefined
  /** Default: `OPENAI_PROJECT_ID`, if it is set. */
  readonly projectId?: Config.Config<Redacted.Redacted | undefined> | undefined
}

/** Surrounding white space is no part of a value, and a blank value is none: as the official clients read them. */
const trimmed = (name: string): Config.Config<string> =>
  Config.mapOrFail(Config.string(name), (value) => {
    const text = value.trim()
    return text === ""
      ? Either.left(ConfigError.MissingData([], `Expected ${name} not to be blank`))
      : Either.right(text)
  })

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> =>
  Config.map(Config.option(config), Option.getOrUndefined)

const redacted = (name: string): Config.Config<Redacted.Redacted> => Config.map(trimmed(name), Redacted.make)

/**
 * @since 0.1.0
 * @category configuration
 */
export const fromConfig = (options: ClientOptionsConfig = {}): Config.Config<ClientOptions> =>
  Config.all({
    apiKey: options.apiKey ?? redacted("OPENAI_API_KEY"),
    apiUrl: options.apiUrl ?? optional(trimmed("OPENAI_BASE_URL")),
    organizationId: options.organizationId ?? optional(redacted("OPENAI_ORG_ID")),
    projectId: options.projectId ?? optional(redacted("OPENAI_PROJECT_ID"))
  }).pipe(Config.map((configured) => ({ ...options, ...configured })))
