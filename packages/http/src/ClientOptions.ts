/**
 * The options of a client: URL, API key, retries, timeout.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { RetryPolicy } from "./RetryPolicy.js"

/**
 * The options of `UploadsClient.layer` and `FilesClient.layer`. All are optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientOptions {
  /** Sent as a bearer token. Without one no `authorization` header is sent. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** The URL of the API, including the version. Default: `https://api.openai.com/v1`. */
  readonly apiUrl?: string | undefined
  /** Sent as `OpenAI-Organization`. */
  readonly organizationId?: Redacted.Redacted | undefined
  /** Sent as `OpenAI-Project`. */
  readonly projectId?: Redacted.Redacted | undefined
  /** Changes the `HttpClient`. It sees each attempt: it is below the retries and above the connection. */
  readonly transformClient?: ((client: HttpClient.HttpClient) => HttpClient.HttpClient) | undefined
  /** Default: `RetryPolicy.standard`, two retries. */
  readonly retryPolicy?: RetryPolicy | undefined
  /**
   * How long one attempt may take, from the connection to the end of the response. For the content of a File, how long may
   * pass without a byte. Default: 10 minutes. An attempt that takes longer fails with `RequestTimeout`.
   */
  readonly attemptTimeout?: Duration.DurationInput | undefined
  /**
   * The form in which the `HttpClient` receives a part.
   *
   * - `stream` (the default outside of browsers): the part is read while it is sent. `fetch` sends a stream chunked, without
   *   `Content-Length`. A browser does so over HTTP/2 only, and not every browser does. Over HTTP/1.1 its
   *   `fetch` fails before a byte is sent, with the same `TypeError` as for a lost connection; the console of the browser alone has
   *   the reason, such as `ERR_H2_OR_QUIC_REQUIRED`. So the call fails after all retries.
   * - `blob` (the default in browsers): `fetch` sends `Content-Length`. A Blob is not copied; bytes and streams are copied to memory once.
   *   `NodeHttpClient.layer` cannot send a Blob.
   */
  readonly partBody?: "stream" | "blob" | undefined
  /**
   * Whether every POST has an `Idempotency-Key`, the same in all attempts of a call. Default: true. A service that does not
   * know the header ignores it. Set it to false in a browser, for a service whose CORS rules do not allow the header.
   */
  readonly idempotencyKeys?: boolean | undefined
}

/**
 * Replaces `attemptTimeout` in one region of a program, which limits its attempts by rules of its own.
 *
 * @since 0.1.0
 * @category services
 * @example
 * ```ts
 * import * as ClientOptions from "@effect-uploads/http/ClientOptions"
 * import * as Duration from "effect/Duration"
 * import * as Effect from "effect/Effect"
 * import * as Option from "effect/Option"
 *
 * export const withoutLimit = Effect.provideService(ClientOptions.LocalAttemptTimeout, Option.some(Duration.infinity))
 * ```
 */
export class LocalAttemptTimeout extends Context.Reference<LocalAttemptTimeout>()<
  "@effect-uploads/http/LocalAttemptTimeout",
  Option.Option<Duration.Duration>
>("@effect-uploads/http/LocalAttemptTimeout", { defaultValue: () => Option.none() }) {}

/**
 * The URL of the OpenAI API.
 *
 * @since 0.1.0
 * @category configuration
 */
export const defaultApiUrl = "https://api.openai.com/v1"

/**
 * {@link ClientOptions} whose key, URL, organization and project are read from configuration.
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

/** White space around a value is removed, and a blank value counts as missing, as in the official clients. */
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
 * {@link ClientOptions} from configuration: `OPENAI_API_KEY`, `OPENAI_BASE_URL`, `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID`, unless
 * `options` has another `Config` for a value. Fails with `ConfigError` if the key is missing.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import * as ClientOptions from "@effect-uploads/http/ClientOptions"
 * import * as Config from "effect/Config"
 *
 * export const options = ClientOptions.fromConfig({ apiKey: Config.redacted("MY_KEY"), partBody: "blob" })
 * ```
 */
export const fromConfig = (options: ClientOptionsConfig = {}): Config.Config<ClientOptions> =>
  Config.all({
    apiKey: options.apiKey ?? redacted("OPENAI_API_KEY"),
    apiUrl: options.apiUrl ?? optional(trimmed("OPENAI_BASE_URL")),
    organizationId: options.organizationId ?? optional(redacted("OPENAI_ORG_ID")),
    projectId: options.projectId ?? optional(redacted("OPENAI_PROJECT_ID"))
  }).pipe(Config.map((configured) => ({ ...options, ...configured })))
