import { constants } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { codeOf } from "./errorCode.js"

/*
 * Folders that survive the loss of power: a new folder is durable when the folder around it is synced.
 */

const privateFolder = 0o700

/** Ignores the errors with one of the codes. */
export const unlessCode = (...codes: ReadonlyArray<string>) => (cause: unknown): Promise<void> =>
  codes.includes(codeOf(cause)) ? Promise.resolve() : Promise.reject(cause)

export const sync = async (path: string): Promise<void> => {
  const handle = await Fs.open(path, constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a durable folder, if it does not exist. */
const make = async (path: string): Promise<void> => {
  try {
    await Fs.mkdir(path, privateFolder)
    await sync(Path.dirname(path))
  } catch (cause) {
    await unlessCode("EEXIST")(cause)
  }
}

/**
 * Makes a durable folder and its parents. The `recursive` option of Node reports a read-only file system as a missing folder, and
 * never returns where no folder can be made, for example in `/proc`.
 */
export const makeWithParents = async (path: string): Promise<void> => {
  const parent = Path.dirname(path)
  if (parent !== path && await Fs.stat(parent).then(() => false, () => true)) await makeWithParents(parent)
  await make(path)
}

/** Concurrent calls for one folder share one call, because the folder is durable only at the end of it. */
export const makeShared = () => {
  const running = new Map<string, Promise<void>>()
  return (path: string): Promise<void> => {
    const making = running.get(path) ?? make(path).finally(() => running.delete(path))
    running.set(path, making)
    return making
  }
}

/** Keeps a folder with files in it. */
export const removeIfEmpty = (path: string): Promise<void> =>
  Fs.rmdir(path).catch(unlessCode("ENOENT", "ENOTEMPTY", "EEXIST"))

/** Retries, because parts may be written to the folder meanwhile. */
export const removeAll = (path: string): Promise<void> =>
  Fs.rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 0 })
