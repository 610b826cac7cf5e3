import { constants } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { codeOf } from "./errorCode.js"

/*
 * Folders that survive the loss of power: a new folder is durable when the folder around it is synced.
 */

const privateFolder = 0o700

/** Ignores the errors with one of the codes. */
const unlessCode = (...codes: ReadonlyArray<string>) => (cause: unknown): Promise<void> =>
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

/** The number of files that are removed at the same time. `rm` with `recursive` removes all at once, and holds the event loop. */
const filesAtOnce = 64

/** The attempts to remove a folder that gets new files meanwhile. */
const maximumAttempts = 10

/**
 * Removes a folder and its files. Tries again, because parts may be written to the folder meanwhile. Of a symbolic link, only the
 * link is removed.
 */
export const removeAll = async (path: string, attempt = 1): Promise<void> => {
  if (await Fs.lstat(path).then((stats) => stats.isSymbolicLink(), () => false)) return Fs.rm(path, { force: true })
  const names = await Fs.readdir(path).catch(async (cause: unknown) => {
    await unlessCode("ENOENT")(cause)
    return undefined
  })
  if (names === undefined) return
  for (let index = 0; index < names.length; index += filesAtOnce) {
    const some = names.slice(index, index + filesAtOnce)
    await Promise.all(some.map((name) => Fs.rm(Path.join(path, name), { recursive: true, force: true })))
  }
  await Fs.rmdir(path).catch(async (cause: unknown) => {
    if (attempt < maximumAttempts && ["ENOTEMPTY", "EEXIST"].includes(codeOf(cause))) {
      return removeAll(path, attempt + 1)
    }
    return unlessCode("ENOENT")(cause)
  })
}
