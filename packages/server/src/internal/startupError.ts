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

/** The variables that an operator has to check. */
const variablesOf = (error: StorageError): string => {
  if (error.store === "parts" || error.reason === "Locked") return "UPLOADS_DATA_DIR"
  return error.operation.startsWith("SqliteClient") ? "UPLOADS_DATA_DIR" : "UPLOADS_DATABASE_URL"
}

const reason = (error: StartupError): string => {
  if (error instanceof ServeError) {
    return `UPLOADS_HOST, UPLOADS_PORT: ${Predicate.isError(error.cause) ? error.cause.message : String(error.cause)}`
  }
  return ConfigError.isConfigError(error) ? ofConfig(error) : `${variablesOf(error)}: ${error.message}`
}

/** One line for the operator, without a stack trace. */
export const describe = (error: StartupError): string =>
  `The server does not start: ${reason(error).replace(/\s+/g, " ")}`
