import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import * as Options from "@effect-uploads/http/ClientOptions"
import * as FileSystem from "@effect/platform/FileSystem"
import * as PlatformConfigProvider from "@effect/platform/PlatformConfigProvider"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ApiKeyMissing, ConfigFileUnreadable } from "./CliError.js"
import * as folders from "./folders.js"
import { rootCauseMessage } from "./rootCause.js"

/** Reads a variable from the environment, else from the config file with its lines such as `OPENAI_API_KEY=sk-…`. */
const provider = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const environment = yield* Effect.configProviderWith(Effect.succeed)
  const path = yield* folders.configFile
  return yield* PlatformConfigProvider.fromDotEnv(path).pipe(
    Effect.provideService(FileSystem.FileSystem, fs),
    Effect.map((file) => ConfigProvider.orElse(environment, () => file)),
    Effect.catchTags({
      SystemError: (error) =>
        error.reason === "NotFound"
          ? Effect.succeed(environment)
          : Effect.fail(new ConfigFileUnreadable({ path, reason: rootCauseMessage(error) })),
      BadArgument: (error) => Effect.fail(new ConfigFileUnreadable({ path, reason: rootCauseMessage(error) }))
    })
  )
})

/** The key without surrounding white space, such as a line break at its end. A blank key counts as missing. */
const apiKey: Config.Config<Redacted.Redacted | undefined> = Config.string("OPENAI_API_KEY").pipe(
  Config.option,
  Config.map((text) =>
    text.pipe(
      Option.map((text) => text.trim()),
      Option.filter((text) => text !== ""),
      Option.map(Redacted.make),
      Option.getOrUndefined
    )
  )
)

const loopback = /^https?:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(\/|$)/i

/** The URL without user and password, which a base URL may have. */
export const withoutUser = (apiUrl: string): string => apiUrl.replace(/^(https?:\/\/)[^/?#]*@/i, "$1")

/** True if the host of the URL is this machine. */
export const isLoopback = (apiUrl: string): boolean => loopback.test(apiUrl)

export interface Configuration extends ClientOptions {
  readonly apiUrl: string
}

/** The URL and the key of the service. A service on this machine needs no key. */
export const load = Effect.gen(function*() {
  const options = yield* Options.fromConfig({ apiKey }).pipe(Effect.withConfigProvider(yield* provider))
  const configuration: Configuration = { ...options, apiUrl: options.apiUrl ?? Options.defaultApiUrl }
  if (configuration.apiKey === undefined && !isLoopback(configuration.apiUrl)) {
    return yield* new ApiKeyMissing({ configFile: yield* folders.configFile })
  }
  return configuration
})
