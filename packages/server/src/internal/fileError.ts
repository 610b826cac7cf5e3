import * as Predicate from "effect/Predicate"
import type { Reason } from "../StorageError.js"
import { StorageError } from "../StorageError.js"

const reasons: Readonly<Record<string, Reason>> = {
  ENOSPC: "Full",
  EDQUOT: "Full",
  EROFS: "ReadOnly",
  EACCES: "ReadOnly",
  EPERM: "ReadOnly",
  ENOENT: "Missing",
  EIO: "Corrupt"
}

/** The code of an error of Node's, or nothing. */
export const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : ""

/** What the system says of a file or folder of the parts. */
export const storageError = (operation: string, cause: unknown, reason = reasons[codeOf(cause)] ?? "Failed") =>
  new StorageError({ store: "parts", reason, operation, cause })
