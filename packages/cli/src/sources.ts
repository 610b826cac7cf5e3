import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { UsageError } from "./CliError.js"

/** What an argument of `uploads put` names. */
export type Source = Data.TaggedEnum<{
  File: { readonly path: string; readonly name: string }
  Stdin: { readonly name: string }
  Url: { readonly url: URL; readonly name: string }
}>

export const Source = Data.taggedEnum<Source>()

const isUrl = (argument: string): boolean => /^https?:\/\//i.test(argument)

const pattern = /[*?[\]{}!]/

const decode = Option.liftThrowable(decodeURIComponent)

/** The name that the File gets: the last segment of the path. */
const nameOfUrl = (url: URL): string => {
  const segment = url.pathname.split("/").at(-1) ?? ""
  return segment === "" ? url.hostname : Option.getOrElse(decode(segment), () => segment)
}

const ofPattern = (argument: string) =>
  Effect.gen(function*() {
    const { glob } = yield* Effect.promise(() => import("tinyglobby"))
    // A pattern that cannot be compiled matches nothing, and is told as one that does.
    const paths = yield* Effect.orElseSucceed(
      Effect.tryPromise(() => glob([argument], { expandDirectories: false })),
      () => []
    )
    return paths.length > 0 ? paths.sort() : yield* new UsageError({
      problem: `No file matches ${argument}`,
      advice: "Check the pattern: `*` stays within a folder, `**` goes into folders below."
    })
  })

const ofArgument = (argument: string, name: string | undefined) =>
  Effect.gen(function*() {
    if (argument === "-") {
      return name === undefined
        ? yield* new UsageError({
          problem: "What comes from stdin has no name",
          advice: "Give the File one, such as --name data.jsonl."
        })
        : [Source.Stdin({ name })]
    }
    if (isUrl(argument)) {
      return URL.canParse(argument)
        ? [new URL(argument)].map((url) => Source.Url({ url, name: name ?? nameOfUrl(url) }))
        : yield* new UsageError({ problem: "A URL is malformed", advice: "Write it as http(s)://host/path." })
    }
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const exists = yield* Effect.orElseSucceed(fs.exists(argument), () => false)
    // A file whose name looks like a pattern is meant by its name.
    const paths = exists || !pattern.test(argument) ? [argument] : yield* ofPattern(argument)
    return paths.map((file) => Source.File({ path: file, name: name ?? path.basename(file) }))
  })

/** What tells two sources apart, whichever argument names them. */
const identity = (source: Source, path: Path.Path): string =>
  Source.$match(source, {
    File: ({ path: file }) => `file ${path.resolve(file)}`,
    Stdin: () => "stdin",
    Url: ({ url }) => `url ${url.href}`
  })

/** What the arguments name, each once, in their order. A pattern stands for the files that match it. */
export const resolve = (
  args: ReadonlyArray<string>,
  name: string | undefined
): Effect.Effect<ReadonlyArray<Source>, UsageError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const path = yield* Path.Path
    const named = (yield* Effect.forEach(args, (argument) => ofArgument(argument, name))).flat()
    const sources = Array.from(new Map(named.map((source) => [identity(source, path), source])).values())
    return name !== undefined && sources.length > 1
      ? yield* new UsageError({
        problem: `--name is given, and there are ${sources.length} files`,
        advice: "Name one file, or leave --name out."
      })
      : sources
  })
