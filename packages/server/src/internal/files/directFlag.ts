import { constants } from "node:fs"
import * as Fs from "node:fs/promises"
import type { PageBuffers } from "./pageBuffers.js"
import { pageBytes } from "./pageBuffers.js"

/**
 * `O_DIRECT` if files in the folder of the path can be opened with it, else no flag. Only Linux has the flag, and not every file
 * system supports it. See decisions/direct-writes.md.
 */
export const directFlag = async (path: string, buffers: PageBuffers, mode: number): Promise<number> => {
  if (!("O_DIRECT" in constants)) return 0
  const buffer = buffers.take()
  try {
    const handle = await Fs.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_DIRECT, mode)
    await handle.write(buffer, 0, pageBytes, 0).finally(() => handle.close())
    return constants.O_DIRECT
  } catch {
    // The first write of a part reports any other problem of the folder.
    return 0
  } finally {
    buffers.giveBack(buffer)
    await Fs.rm(path, { force: true }).catch(() => {})
  }
}
