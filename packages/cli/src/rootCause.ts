import type { PlatformError } from "@effect/platform/Error"
import * as Predicate from "effect/Predicate"

/** The message of the innermost cause, such as `ENOSPC: no space left on device, write`. The outer errors only wrap it. */
export const rootCauseMessage = (error: PlatformError | Error): string =>
  Predicate.isError(error.cause) ? rootCauseMessage(error.cause) : error.message
