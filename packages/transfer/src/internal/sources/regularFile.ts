import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { atLeast } from "@effect-uploads/http/ByteLimits"
import * as PartData from "@effect-uploads/http/PartData"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { FileAccess } from "../../FileAccess.js"
import type { SourceError } from "../../SourceError.js"
import { SourceChanged, SourceNotFound, SourceUnreadable } from "../../SourceError.js"
import type { Range } from "./ranged.js"
import * as ranged from "./ranged.js"
import type { Source } from "./source.js"
import { checkSize, chunkBytes, explainPartError } from "./source.js"

/** The number of chunks that are read ahead of the connection. */
const chunksAhead = 2

/** A file of known size whose ranges can be read at any time. */
export const make = (
  path: string,
  { filename, journalKey, name }: {
    readonly name: string
    readonly filename: string
    /** None for a file that a later run cannot read again. */
    readonly journalKey: Option.Option<string>
  },
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const { changedAt } = yield* FileAccess
    const failed = Effect.mapError(explainFileError(name))
    const state = Effect.all({ info: failed(fs.stat(path)), changed: changedAt(path) })
    const { changed, info } = yield* state
    const size = yield* checkSize(name, Number(info.size), limits)
    const read = ({ bytes, offset }: Range) =>
      fs.stream(path, { offset, bytesToRead: bytes, chunkSize: chunkBytes, bufferSize: chunksAhead }).pipe(
        Stream.mapError(explainFileError(name)),
        (stream) => atLeast(stream, bytes, () => new SourceChanged({ name, difference: "size" }))
      )
    return ranged.make({
      name,
      filename,
      bytes: size,
      identity: Option.map(journalKey, (key) => ({
        key,
        modifiedAt: modifiedAtOf(info),
        changedAt: Option.getOrNull(changed)
      })),
      path,
      read,
      part: ({ bytes, offset }) => new PartData.PartFile({ path, offset, bytes, stream: read({ bytes, offset }) }),
      // An HTTP client that reads the file by itself fails with the errors of Node.
      explain: (error) => {
        if (error._tag === "PartLengthMismatch") return new SourceChanged({ name, difference: "size" })
        const known = explainPartError(error)
        if (known._tag !== "PartUnreadable") return known
        return Predicate.hasProperty(known.cause, "code") && known.cause.code === "ENOENT"
          ? new SourceNotFound({ name })
          : new SourceUnreadable({ name, cause: known.cause })
      },
      verify: Effect.flatMap(state, (now) => {
        if (now.info.size !== info.size) return new SourceChanged({ name, difference: "size" })
        if (modifiedAtOf(now.info) !== modifiedAtOf(info)) {
          return new SourceChanged({ name, difference: "modification time" })
        }
        return Equal.equals(now.changed, changed) ? Effect.void : new SourceChanged({ name, difference: "change time" })
      })
    })
  })

const modifiedAtOf = ({ mtime }: FileSystem.File.Info): number =>
  Option.match(mtime, { onNone: () => 0, onSome: (date) => date.getTime() })

export const explainFileError = (name: string) => (error: PlatformError): SourceError =>
  error._tag === "SystemError" && error.reason === "NotFound"
    ? new SourceNotFound({ name })
    : new SourceUnreadable({ name, cause: error })
