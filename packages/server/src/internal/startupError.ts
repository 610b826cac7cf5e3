import { ServeError } from "@effect/platform/HttpServerError"
import * as ConfigError from "effect/ConfigError"
import * as Predicate from "effect/Predicate"
import type { StorageError } from "../StorageError.js"

export type StartupError = ConfigError.ConfigError | StorageError | ServeError

/** Every variable that is wrong, by its name. */
const ofConfig = (error: ConfigError.ConfigError): string =>
  error._op === "And" || error._op === "Or"
    ? `${ofConfig(error.left)}; ${ofConfig(error.right)}`
    : `${error.path.join(".")}: ${error.message}`

const reason = (error: StartupError): string => {
  if (error instanceof ServeError) return Predicate.isError(error.cause) ? error.cause.message : String(error.cause)
  return ConfigError.isConfigError(error) ? ofConfig(error) : error.message
}

/** One line for the operator: where in the code it happened is of no use to him. */
export const describe = (error: StartupError): string =>
  `The server does not start: ${reason(error).replace(/\s+/g, " ")}`
