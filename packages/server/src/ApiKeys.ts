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
    Option.filter(() => /^[\x21-\x7e]+$/.test(key)),
    Option.map((project) => ({ project, key: Redacted.make(key) })),
    Either.fromOption(() =>
      ConfigError.InvalidData([name], `entry ${index + 1} is not project:key, both in visible ASCII characters`)
    )
  )
}

/**
 * Reads `project:key` pairs, separated by commas.
 *
 * @since 0.1.0
 * @category configuration
 */
export const config = (name: string): Config.Config<ReadonlyArray<ApiKey>> =>
  Config.redacted(name).pipe(
    Config.mapOrFail((text) => {
      const pairs = Redacted.value(text).split(",").map((pair) => pair.trim()).filter((pair) => pair !== "")
      return Either.flatMap(Either.all(pairs.map(parsePair(name))), (keys) =>
        new Set(keys.map(({ key }) =>
            Redacted.value(key)
          )).size === keys.length
          ? Either.right(keys)
          : Either.left(ConfigError.InvalidData([name], "a key is listed more than once")))
    }),
    Config.withDefault(Arr.empty<ApiKey>())
  )
