/** The file that the main program sends. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"

export interface SourceFile {
  readonly path: string
  readonly name: string
  readonly bytes: number
}

export class UnusableFile extends Data.TaggedError("UnusableFile")<{
  readonly path: string
  readonly problem: string
}> {
  override get message(): string {
    return `${this.path}: ${this.problem}`
  }
}

const problemOf = (error: PlatformError): string => {
  if (error._tag === "BadArgument") return error.message
  switch (error.reason) {
    case "NotFound":
      return "no such file"
    case "PermissionDenied":
      return "permission to read it is denied"
    default:
      return `it cannot be read (${error.reason})`
  }
}

/** Opens a file for sending. A relative path starts at the working directory. Fails if the file cannot be sent. */
export const open = (workingDirectory: string, given: string): Effect.Effect<
  SourceFile,
  UnusableFile,
  FileSystem.FileSystem | Path.Path
> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const path = paths.resolve(workingDirectory, given)
    const unusable = (problem: string) => new UnusableFile({ path: given, problem })
    const info = yield* Effect.mapError(fs.stat(path), (error) => unusable(problemOf(error)))
    if (info.type === "Directory") return yield* unusable("it is a directory, not a file")
    if (info.type !== "File") return yield* unusable("it is not a regular file")
    if (info.size === FileSystem.Size(0)) return yield* unusable("it is empty")
    yield* Effect.mapError(fs.access(path, { readable: true }), (error) => unusable(problemOf(error)))
    return { path, name: paths.basename(path), bytes: Number(info.size) }
  })

const lines = 5 * 1024 * 1024 / 64

/** Generates a training file of 5 MiB. It is removed when the scope closes. */
export const generate = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped()
  const path = paths.join(folder, "training.jsonl")
  const text = Array.from({ length: lines }, (_, line) => `${JSON.stringify({ line }).padEnd(63)}\n`).join("")
  yield* fs.writeFileString(path, text)
  return { path, name: "training.jsonl", bytes: text.length }
})

/** The md5 of the whole file, in the form that `complete` expects. */
export const md5 = (file: SourceFile): Effect.Effect<string, PlatformError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) =>
    Effect.suspend(() => {
      const hash = createHash("md5")
      return fs.stream(file.path).pipe(
        Stream.runForEach((bytes) => Effect.sync(() => hash.update(bytes))),
        Effect.map(() => hash.digest("hex"))
      )
    }))
