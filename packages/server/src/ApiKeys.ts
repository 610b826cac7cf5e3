/**
 * The API keys that the server accepts, each with its project.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash, timingSafeEqual } from "node:crypto"
import { readFileSync } from "node:fs"
import { ProjectId } from "./Project.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiKey {
  readonly project: ProjectId
  readonly key: Redacted.Redacted
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** No keys are configured: every request is accepted. */
  readonly isOpen: boolean
  /** The project of a key. None for an unknown key. */
  readonly projectOf: (key: Redacted.Redacted) => Option.Option<ProjectId>
}

/**
 * @since 0.1.0
 * @category services
 */
export class ApiKeys extends Context.Tag("@effect-uploads/server/ApiKeys")<ApiKeys, Service>() {}

const hash = (key: Redacted.Redacted): Uint8Array => createHash("sha256").update(Redacted.value(key)).digest()

/**
 * Stores only the hashes of the keys. Every hash is compared in constant time, so that the response time reveals nothing about
 * a key.
 *
 * @example
 * ```ts
 * import * as ApiKeys from "@effect-uploads/server/ApiKeys"
 * import { ProjectId } from "@effect-uploads/server/Project"
 * import * as Redacted from "effect/Redacted"
 *
 * const key = Redacted.make("sk-alpha")
 * const keys = ApiKeys.make([{ project: ProjectId.make("alpha"), key }])
 * console.log(keys.projectOf(key)) // Option.some("alpha")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (keys: ReadonlyArray<ApiKey>): Service => {
  const known = keys.map(({ key, project }) => ({ hash: hash(key), project }))
  return {
    isOpen: known.length === 0,
    projectOf: (key) => {
      const given = hash(key)
      return Arr.reduce(
        known,
        Option.none<ProjectId>(),
        (found, { hash, project }) => timingSafeEqual(hash, given) ? Option.some(project) : found
      )
    }
  }
}

/**
 * @example
 * ```ts
 * import * as ApiKeys from "@effect-uploads/server/ApiKeys"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * export const keys = Layer.unwrapEffect(Effect.map(ApiKeys.config("MY_API_KEYS"), ApiKeys.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (keys: ReadonlyArray<ApiKey>): Layer.Layer<ApiKeys> => Layer.succeed(ApiKeys, make(keys))

const decodeProject = Schema.decodeOption(ProjectId)

/** Errors name the position of an entry, not its text, which may be a key. */
const parsePair = (name: string) => (pair: string, index: number): Either.Either<ApiKey, ConfigError.ConfigError> => {
  const [project = "", ...rest] = pair.split(":")
  const key = rest.join(":").trim()
  return decodeProject(project.trim()).pipe(
    // A quoted pair, or one that is commented out, would be a key that nobody means.
    Option.filter((project) => !/^["'#]/.test(project) && /^[\x21-\x7e]+$/.test(key)),
    Option.map((project) => ({ project, key: Redacted.make(key) })),
    Either.fromOption(() =>
      ConfigError.InvalidData(
        [name],
        `entry ${index + 1} is not project:key, without quotation marks, the key in visible ASCII characters`
      )
    )
  )
}

const parse = (name: string, text: string): Either.Either<ReadonlyArray<ApiKey>, ConfigError.ConfigError> => {
  const pairs = text.split(/[,\n]/).map((pair) => pair.trim()).filter((pair) => pair !== "")
  if (pairs.length === 0) {
    return Either.left(
      ConfigError.InvalidData([name], "it is set and has no project:key pair; unset it to serve without keys")
    )
  }
  return Either.filterOrLeft(
    Either.all(pairs.map(parsePair(name))),
    (keys) => new Set(keys.map(({ key }) => Redacted.value(key))).size === keys.length,
    () => ConfigError.InvalidData([name], "a key is listed more than once")
  )
}

/** Reads the file without its comments: the lines that begin with `#`. */
const readFile = (name: string, path: string): Either.Either<string, ConfigError.ConfigError> =>
  path.trim() === ""
    ? Either.left(ConfigError.InvalidData([name], "it is set and blank; unset it to name no file"))
    : Either.try({
      try: () => readFileSync(path, "utf8").replace(/^[^\S\n]*#.*$/gm, ""),
      catch: () => ConfigError.InvalidData([name], `cannot read the file ${path}`)
    })

/**
 * Reads `project:key` pairs, separated by commas or line breaks: from the variable, or from the file that the variable with
 * the suffix `_FILE` names, where a line that begins with `#` is a comment. Without either there are no keys.
 *
 * @since 0.1.0
 * @category configuration
 */
export const config = (name: string): Config.Config<ReadonlyArray<ApiKey>> => {
  const fileName = `${name}_FILE`
  return Config.all({
    text: Config.option(Config.redacted(name)),
    path: Config.option(Config.string(fileName))
  }).pipe(
    Config.mapOrFail(({ path, text }) => {
      if (Option.isSome(text) && Option.isSome(path)) {
        return Either.left(ConfigError.InvalidData([fileName], `set ${name} or ${fileName}, not both`))
      }
      if (Option.isSome(text)) return parse(name, Redacted.value(text.value))
      if (Option.isSome(path)) {
        return Either.flatMap(readFile(fileName, path.value), (text) => parse(fileName, text))
      }
      return Either.right(Arr.empty<ApiKey>())
    })
  )
}
