import * as TransferSource from "@effect-uploads/transfer/TransferSource"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { UsageError } from "./CliError.js"
import { Environment } from "./Environment.js"

/** One source of `uploads put`. */
export interface Source {
  /** The path in results and events. For stdin and a URL it is the name of the File, because the query of a URL may be secret. */
  readonly path: string
  /** The name of the File. */
  readonly name: string
  /** Equal for two arguments that name the same source. */
  readonly identity: string
  /** True if a later run can read the source again, and so resume the transfer. */
  readonly isFile: boolean
  readonly transfer: TransferSource.TransferSource<FileSystem.FileSystem | HttpClient.HttpClient>
}

const isUrl = (argument: string): boolean => /^https?:\/\//i.test(argument)

const pattern = /[*?[\]{}!]/

const ofPattern = (argument: string) =>
  Effect.gen(function*() {
    const { glob } = yield* Effect.promise(() => import("tinyglobby"))
    const path = yield* Path.Path
    const { platform } = yield* Environment
    // A backslash escapes the next character of a pattern. On Windows it separates folders.
    const slashed = platform === "win32" ? argument.replaceAll("\\", "/") : argument
    // An invalid pattern is reported like one that matches no file.
    const paths = yield* Effect.orElseSucceed(
      Effect.tryPromise(() => glob([slashed], { expandDirectories: false, absolute: path.isAbsolute(argument) })),
      () => []
    )
    return paths.length > 0 ? paths.sort() : yield* new UsageError({
      problem: `No file matches ${argument}`,
      advice: "Check the pattern: `*` stays within a folder, `**` goes into folders below."
    })
  })

const ofStdin = (name: string | undefined) =>
  Effect.gen(function*() {
    const { stdin } = yield* Environment
    if (name === undefined) {
      return yield* new UsageError({
        problem: "The File from stdin has no name",
        advice: "Give the File one, such as --name data.jsonl."
      })
    }
    const transfer = TransferSource.stream(stdin, { filename: name })
    const source: Source = { path: name, name, identity: "stdin", isFile: false, transfer }
    return source
  })

const ofUrl = (argument: string, name: string | undefined) =>
  Effect.suspend(() => {
    if (!URL.canParse(argument)) {
      return new UsageError({ problem: "A URL is malformed", advice: "Write it as http(s)://host/path." })
    }
    const { href } = new URL(argument)
    const transfer = TransferSource.url(href, { filename: name })
    const source: Source = {
      path: transfer.name,
      name: transfer.name,
      identity: `url ${href}`,
      isFile: false,
      transfer
    }
    return Effect.succeed(source)
  })

const ofPath = (file: string, filename: string | undefined) =>
  Effect.map(Path.Path, (path): Source => {
    const name = filename ?? path.basename(file)
    return {
      path: file,
      name,
      identity: `file ${path.resolve(file)}`,
      isFile: true,
      transfer: TransferSource.file(file, { filename: name })
    }
  })

const ofArgument = (argument: string, name: string | undefined) =>
  Effect.gen(function*() {
    if (argument === "-") return [yield* ofStdin(name)]
    if (isUrl(argument)) return [yield* ofUrl(argument, name)]
    const fs = yield* FileSystem.FileSystem
    const exists = yield* Effect.orElseSucceed(fs.exists(argument), () => false)
    // A path that exists is not a pattern, even if it looks like one.
    const paths = exists || !pattern.test(argument) ? [argument] : yield* ofPattern(argument)
    return yield* Effect.forEach(paths, (file) => ofPath(file, name))
  })

/** The sources of the arguments in their order, without duplicates. A pattern becomes the files that match it. */
export const resolve = (
  args: ReadonlyArray<string>,
  name: string | undefined
): Effect.Effect<ReadonlyArray<Source>, UsageError, FileSystem.FileSystem | Path.Path | Environment> =>
  Effect.gen(function*() {
    const named = (yield* Effect.forEach(args, (argument) => ofArgument(argument, name))).flat()
    const sources = Array.from(new Map(named.map((source) => [source.identity, source])).values())
    return name !== undefined && sources.length > 1
      ? yield* new UsageError({
        problem: `--name is given, and there are ${sources.length} files`,
        advice: "Name one file, or leave --name out."
      })
      : sources
  })
