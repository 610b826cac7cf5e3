import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

export const mount = (...args: ReadonlyArray<string>): void => {
  execFileSync("mount", args, { stdio: "ignore" })
}

export const umount = (path: string): void => {
  execFileSync("umount", ["-l", path], { stdio: "ignore" })
}

/** Whether this process may: root, outside of most containers. */
export const canMount: boolean = (() => {
  const path = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-uploads-mount-"))
  try {
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", path)
    umount(path)
    return true
  } catch {
    return false
  } finally {
    Fs.rmSync(path, { recursive: true, force: true })
  }
})()
