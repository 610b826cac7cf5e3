import type { PlatformError } from "@effect/platform/Error"
import * as Predicate from "effect/Predicate"

/** The words of the system, such as `ENOSPC: no space left on device, write`: the cause says more than its wrapping. */
export const reasonOf = (error: PlatformError | Error): string =>
  Predicate.isError(error.cause) ? reasonOf(error.cause) : error.message
