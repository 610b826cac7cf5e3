import * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Environment } from "./Environment.js"

/*
 * The folders of the platform for configuration and state: the XDG base directories on Linux, Application Support on macOS,
 * APPDATA and LOCALAPPDATA on Windows. UPLOADS_CONFIG_FILE and UPLOADS_STATE_DIR replace them.
 */

const application = "effect-uploads"

interface Folder {
  /** For Linux and other systems: a variable with the folder, and the default below the home folder. */
  readonly xdg: readonly [variable: string, fallback: ReadonlyArray<string>]
  /** The same for Windows. */
  readonly windows: readonly [variable: string, fallback: ReadonlyArray<string>]
}

const configuration: Folder = {
  xdg: ["XDG_CONFIG_HOME", [".config"]],
  windows: ["APPDATA", ["AppData", "Roaming"]]
}

const state: Folder = {
  xdg: ["XDG_STATE_HOME", [".local", "state"]],
  windows: ["LOCALAPPDATA", ["AppData", "Local"]]
}

const variable = (name: string): Effect.Effect<Option.Option<string>, ConfigError.ConfigError> =>
  Effect.map(Config.option(Config.string(name)), Option.filter((value) => value !== ""))

const folder = ({ windows, xdg }: Folder) =>
  Effect.gen(function*() {
    const path = yield* Path.Path
    const { home, platform } = yield* Environment
    if (platform === "darwin") return path.join(home, "Library", "Application Support", application)
    const [name, fallback] = platform === "win32" ? windows : xdg
    const set = yield* variable(name)
    // The XDG specification: a relative path is invalid and ignored.
    const parent = Option.getOrElse(Option.filter(set, path.isAbsolute), () => path.join(home, ...fallback))
    return path.join(parent, application)
  })

/** The config file, whether or not it exists. */
export const configFile = Effect.gen(function*() {
  const path = yield* Path.Path
  const named = yield* variable("UPLOADS_CONFIG_FILE")
  return Option.isSome(named) ? path.resolve(named.value) : path.join(yield* folder(configuration), "config.env")
})

/** The folder of the journals, whether or not it exists. */
export const stateFolder = Effect.gen(function*() {
  const path = yield* Path.Path
  const named = yield* variable("UPLOADS_STATE_DIR")
  return Option.isSome(named) ? path.resolve(named.value) : yield* folder(state)
})
