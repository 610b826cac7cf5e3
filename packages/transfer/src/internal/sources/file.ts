import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { atLeast } from "@effect-uploads/http/ByteLimits"
import * as PartData from "@effect-uploads/http/PartData"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { md5 } from "js-md5"
import type { SourceError } from "../../SourceError.js"
import { SourceChanged, SourceNotAFile, SourceNotFound, SourceUnreadable } from "../../SourceError.js"
import type { Range } from "./ranged.js"
import * as ranged from "./ranged.js"
import type { Source } from "./source.js"
import { checkSize, chunkBytes, explainPartError } from "./source.js"

/** The number of chunks that are read ahead of the connection. */
const chunksAhead = 2

export const make = (
  path: string,
  options: { readonly filename?: string | undefined; readonly purpose: string },
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const stat = Effect.mapError(fs.stat(path), explainFileError(path))
    const info = yield* stat
    if (info.type !== "File") return yield* new SourceNotAFile({ name: path, type: info.type })
    yield* Effect.mapError(fs.access(path, { readable: true }), explainFileError(path))
    const size = yield* checkSize(path, Number(info.size), limits)
    const read = ({ bytes, offset }: Range) =>
      fs.stream(path, { offset, bytesToRead: bytes, chunkSize: chunkBytes, bufferSize: chunksAhead }).pipe(
        Stream.mapError(explainFileError(path)),
        (stream) => atLeast(stream, bytes, () => new SourceChanged({ name: path, difference: "size" }))
      )
    const absolute = yield* Effect.mapError(fs.realPath(path), explainFileError(path))
    const filename = options.filename ?? basename(path, absolute)
    return ranged.make({
      name: path,
      filename,
      bytes: size,
      identity: Option.some({
        key: md5([absolute, filename, options.purpose].join("\n")),
        modifiedAt: modifiedAtOf(info)
      }),
      path,
      read,
      part: ({ bytes, offset }) => new PartData.PartFile({ path, offset, bytes, stream: read({ bytes, offset }) }),
      // An HTTP client that reads the file by itself fails with the errors of Node.
      explain: (error) => {
        if (error._tag === "PartLengthMismatch") return new SourceChanged({ name: path, difference: "size" })
        const known = explainPartError(error)
        if (known._tag !== "PartUnreadable") return known
        return Predicate.hasProperty(known.cause, "code") && known.cause.code === "ENOENT"
          ? new SourceNotFound({ name: path })
          : new SourceUnreadable({ name: path, cause: known.cause })
      },
      verify: Effect.flatMap(stat, (now) => {
        if (now.size !== info.size) return new SourceChanged({ name: path, difference: "size" })
        if (modifiedAtOf(now) !== modifiedAtOf(info)) {
          return new SourceChanged({ name: path, difference: "modification time" })
        }
        return Effect.void
      })
    })
  })

/** On Windows both slashes separate folders. Elsewhere, where an absolute path starts with `/`, a backslash is part of a name. */
const basename = (path: string, absolute: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), absolute.startsWith("/") ? -1 : path.lastIndexOf("\\")) + 1)

const modifiedAtOf = ({ mtime }: FileSystem.File.Info): number =>
  Option.match(mtime, { onNone: () => 0, onSome: (date) => date.getTime() })

const explainFileError = (path: string) => (error: PlatformError): SourceError =>
  error._tag === "SystemError" && error.reason === "NotFound"
    ? new SourceNotFound({ name: path })
    : new SourceUnreadable({ name: path, cause: error })
