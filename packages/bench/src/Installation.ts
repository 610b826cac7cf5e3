/**
 * Installs the packages of this repository as npm would: compiled, in a `node_modules` with their dependencies. The child
 * processes run from there. So no child compiles TypeScript, and each loads the same files as in production.
 */
import { bundle } from "@effect-uploads/server/bundle"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Esbuild from "esbuild"

/** The build of the packages failed. */
export class BuildFailed extends Data.TaggedError("BuildFailed")<{ readonly cause: unknown }> {
  override get message(): string {
    return `The build of the packages failed: ${this.cause}`
  }
}

export interface Installation {
  readonly directory: string
  /** The path of a compiled module of this package, such as `clients/baseline`. */
  readonly module: (name: string) => string
  /** The path of the server command. */
  readonly server: string
}

const Dependencies = Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), {
  default: () => ({})
})

const Exports = Schema.Record({ key: Schema.String, value: Schema.Unknown })

const Manifest = Schema.parseJson(Schema.Struct({
  name: Schema.String,
  sideEffects: Schema.optional(Schema.Unknown),
  dependencies: Dependencies,
  peerDependencies: Dependencies,
  publishConfig: Schema.optional(Schema.Struct({ exports: Exports }))
}))

const readManifest = Schema.decode(Manifest)

/** Runs esbuild. */
export const build = (options: Esbuild.BuildOptions): Effect.Effect<Esbuild.BuildResult, BuildFailed> =>
  Effect.tryPromise({ try: () => Esbuild.build(options), catch: (cause) => new BuildFailed({ cause }) })

const packages = ["domain", "http", "transfer", "server"]

/** The folder `packages` of this repository. */
const packagesDirectory = Effect.flatMap(Path.Path, (path) => path.fromFileUrl(new URL("../..", import.meta.url)))

const compile = (from: string, to: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const files = yield* fs.readDirectory(from, { recursive: true })
    yield* build({
      entryPoints: files.filter((file) => file.endsWith(".ts")).map((file) => path.join(from, file)),
      outbase: from,
      outdir: to,
      format: "esm",
      logLevel: "silent",
      tsconfigRaw: { compilerOptions: { target: "ES2022", verbatimModuleSyntax: true } }
    })
  })

/** Links the third-party dependencies of a package. */
const link = (source: string, dependencies: ReadonlyArray<string>, nodeModules: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    for (const dependency of dependencies) {
      const to = path.join(nodeModules, dependency)
      if (dependency.startsWith("@effect-uploads/") || (yield* fs.exists(to))) continue
      yield* fs.makeDirectory(path.dirname(to), { recursive: true })
      yield* fs.symlink(yield* fs.realPath(path.join(source, "node_modules", dependency)), to)
    }
  })

const bundled = (to: string, entryPoint?: string) =>
  Effect.tryPromise({ try: () => bundle(to, entryPoint), catch: (cause) => new BuildFailed({ cause }) })

/** Installs into a temporary folder, which is removed when the scope closes. */
export const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const sources = yield* packagesDirectory
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "effect-uploads-bench-" })
  const nodeModules = path.join(directory, "node_modules")

  for (const name of packages) {
    const source = path.join(sources, name)
    const manifest = yield* Effect.flatMap(fs.readFileString(path.join(source, "package.json")), readManifest)
    const target = path.join(nodeModules, manifest.name)
    yield* fs.makeDirectory(target, { recursive: true })
    yield* fs.writeFileString(
      path.join(target, "package.json"),
      JSON.stringify({
        name: manifest.name,
        type: "module",
        sideEffects: manifest.sideEffects,
        exports: manifest.publishConfig?.exports
      })
    )
    yield* compile(path.join(source, "src"), path.join(target, "dist"))
    yield* link(source, Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }), nodeModules)
  }

  const own = path.join(sources, "bench")
  const manifest = yield* Effect.flatMap(fs.readFileString(path.join(own, "package.json")), readManifest)
  yield* fs.writeFileString(path.join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }))
  yield* compile(path.join(own, "src"), path.join(directory, "bench"))
  yield* link(own, Object.keys(manifest.dependencies), nodeModules)

  // The server is measured as published, which is bundled. The in-memory server is bundled too, for a fair comparison.
  const command = path.join(nodeModules, "@effect-uploads", "server", "dist", "command")
  yield* bundled(command)
  yield* bundled(path.join(directory, "bench", "servers"), path.join(own, "src", "servers", "memory.ts"))

  const installation: Installation = {
    directory,
    module: (name) => path.join(directory, "bench", `${name}.js`),
    server: path.join(command, "main.js")
  }
  return installation
})
