import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The space of a disk. A test may change it at any time. */
export interface Space {
  /** The bytes that can still be written. Removed files give nothing back. */
  free: number
}

/** The file system of the context, on a disk with so much space. A write that does not fit is cut off, and fails with `ENOSPC`. */
export const layer = (space: Space) =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => {
      const cut = <E>(bytes: Uint8Array, write: (fitting: Uint8Array) => Effect.Effect<void, E>) =>
        Effect.suspend(() => {
          const fitting = bytes.subarray(0, Math.max(0, space.free))
          space.free -= fitting.byteLength
          return fitting.byteLength === bytes.byteLength ? write(fitting) : Effect.zipRight(
            write(fitting),
            new SystemError({
              reason: "Unknown",
              module: "FileSystem",
              method: "write",
              description: "ENOSPC: no space left on device, write"
            })
          )
        })
      const writeFile: FileSystem.FileSystem["writeFile"] = (path, bytes, options) =>
        cut(bytes, (fitting) => fs.writeFile(path, fitting, options))
      return {
        ...fs,
        writeFile,
        writeFileString: (path, text, options) => writeFile(path, new TextEncoder().encode(text), options),
        open: (path, options) =>
          Effect.map(fs.open(path, options), (file) => {
            const limited: FileSystem.File = Object.create(file)
            return Object.assign(limited, {
              writeAll: (bytes: Uint8Array) => cut(bytes, (fitting) => file.writeAll(fitting))
            })
          })
      }
    })
  )
