import { ServeError } from "@effect/platform/HttpServerError"
import * as ConfigError from "effect/ConfigError"
import * as Predicate from "effect/Predicate"
import type { StorageError } from "../StorageError.js"

export type StartupError = ConfigError.ConfigError | StorageError | ServeError

/** Names every invalid variable. */
const ofConfig = (error: ConfigError.ConfigError): string =>
  error._op === "And" || error._op === "Or"
    ? `${ofConfig(error.left)}; ${ofConfig(error.right)}`
    : `${error.path.join(".")}: ${error.message}`

const reason = (error: StartupError): string => {
  if (error instanceof ServeError) return Predicate.isError(error.cause) ? error.cause.message : String(error.cause)
  return ConfigError.isConfigError(error) ? ofConfig(error) : error.message
}

/** One line for the operator, without a stack trace. */
export const describe = (error: StartupError): string =>
  `The server does not start: ${reason(error).replace(/\s+/g, " ")}`
