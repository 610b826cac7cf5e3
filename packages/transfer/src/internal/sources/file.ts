import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { md5 } from "js-md5"
import { FileAccess } from "../../FileAccess.js"
import type { SourceError } from "../../SourceError.js"
import { SourceNotAFile } from "../../SourceError.js"
import * as regularFile from "./regularFile.js"
import type { Source } from "./source.js"
import { chunkBytes } from "./source.js"
import * as spool from "./spool.js"

/** The kind of a path: a regular file, or a pipe or device that is read to its end before the transfer begins. */
export const make = (
  path: string,
  options: { readonly filename?: string | undefined; readonly purpose: string },
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const { readPipe } = yield* FileAccess
    const failed = Effect.mapError(regularFile.explainFileError(path))
    const { size, type } = yield* failed(fs.stat(path))
    const isPipe = ["FIFO", "CharacterDevice", "Socket"].includes(type)
    const pipe = isPipe ? readPipe(path, { chunkBytes }) : Option.none()
    if (type !== "File" && Option.isNone(pipe)) return yield* new SourceNotAFile({ name: path, type })
    yield* failed(fs.access(path, { readable: true }))
    // A pipe has no path of its own.
    const absolute = yield* Effect.orElse(failed(fs.realPath(path)), () => Effect.succeed(path))
    const filename = options.filename ?? basename(path, absolute)
    if (Option.isSome(pipe)) return yield* spool.make(pipe.value, { name: path, filename }, limits)
    // A file of /proc has contents, but no size.
    if (size === FileSystem.Size(0)) {
      return yield* spool.make(fs.stream(path, { chunkSize: chunkBytes }), { name: path, filename }, limits)
    }
    return yield* regularFile.make(path, {
      name: path,
      filename,
      journalKey: Option.some(md5([absolute, filename, options.purpose].join("\n")))
    }, limits)
  })

/** On Windows both slashes separate folders. Elsewhere, where an absolute path starts with `/`, a backslash is part of a name. */
const basename = (path: string, absolute: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), absolute.startsWith("/") ? -1 : path.lastIndexOf("\\")) + 1)
