import type { Reason } from "../../StorageError.js"
import { StorageError } from "../../StorageError.js"
import { codeOf } from "./errorCode.js"

const reasons: Readonly<Record<string, Reason>> = {
  ENOSPC: "Full",
  EDQUOT: "Full",
  EROFS: "ReadOnly",
  EACCES: "ReadOnly",
  EPERM: "ReadOnly",
  ENOENT: "Missing",
  EIO: "Corrupt"
}

/** Maps the error of a file operation to the reason of a {@link StorageError}. */
export const storageError = (operation: string, cause: unknown, reason = reasons[codeOf(cause)] ?? "Failed") =>
  new StorageError({ store: "parts", reason, operation, cause })
