import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { temporaryFolder } from "./inProcess.js"

const mount = (path: string, options: string) =>
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "ignore" })

const umount = (path: string) => execFileSync("umount", ["-l", path], { stdio: "ignore" })

/** A folder on a file system of its own, such as `size=64k` or `ro`. */
export const folder = (options: string) =>
  Effect.gen(function*() {
    const path = yield* temporaryFolder
    yield* Effect.acquireRelease(Effect.sync(() => mount(path, options)), () => Effect.sync(() => umount(path)))
    return path
  })

/** Whether this process may mount: root, outside of most containers. */
export const isPossible: Effect.Effect<boolean> = Effect.scoped(folder("size=64k")).pipe(
  Effect.as(true),
  Effect.catchAllCause(() => Effect.succeed(false))
)
