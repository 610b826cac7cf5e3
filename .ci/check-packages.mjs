/**
 * Checks the packages as they would be published: packs every public package, looks into the tarball, uses it from an empty project as
 * Node and TypeScript would, and follows the READMEs with npm, pnpm, yarn and bun. Run it with `pnpm check:packages`.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { checkInstalls } from "./packages/installs.mjs"
import * as registries from "./packages/registry.mjs"
import { bin, fail, none, project, root, run, temporary } from "./packages/run.mjs"
import { libraries } from "./packages/workspace.mjs"

const filesIn = (directory) =>
  Fs.readdirSync(directory, { recursive: true })
    .filter((file) => Fs.statSync(Path.join(directory, file)).isFile())
    .map((file) => file.replaceAll(Path.sep, "/"))

const modulesIn = (files, directory, extension) =>
  files
    .filter((file) => file.startsWith(`${directory}/`) && file.endsWith(extension))
    .map((file) => file.slice(directory.length + 1, -extension.length))

/** True for a module that a user cannot import: a helper, or the entry of a command. */
const isPrivate = (module) => module === "main" || module.startsWith("internal/")

/** Checks that the tarball has every file that is needed and no others. Returns its modules. */
const checkContents = (name, unpacked) => {
  const files = filesIn(unpacked)
  const sources = modulesIn(files, "src", ".ts")
  const emitted = [".js", ".js.map", ".d.ts", ".d.ts.map"]
  none(`${name} lacks`, [
    ...["README.md", "LICENSE"].filter((file) => !files.includes(file)),
    ...sources.flatMap((source) => emitted.map((extension) => `dist/${source}${extension}`))
      .filter((file) => !files.includes(file))
  ])
  none(
    `${name} has files without a source: delete its dist and build, and build again`,
    modulesIn(files, "dist", ".js").filter((module) => !module.startsWith("command/") && !sources.includes(module))
  )
  none(
    `${name} contains what is not for publication`,
    files.filter((file) => /(^|\/)(test|typetest)\/|\.(test|tst)\.|(^|\/)vitest|tsconfig|tsbuildinfo/.test(file))
  )
  const manifest = JSON.parse(Fs.readFileSync(Path.join(unpacked, "package.json"), "utf8"))
  if (/"(workspace|catalog):|"\.\/src\//.test(JSON.stringify(manifest))) {
    fail(`${name} has a package.json for this workspace alone`)
  }
  return {
    manifest,
    modules: sources.filter((module) => module !== "index" && !isPrivate(module)),
    internal: sources.filter(isPrivate)
  }
}

const pack = async (directory) => {
  const name = Path.basename(directory)
  const tarball = Path.join(temporary, `${name}.tgz`)
  await run(directory, "npx", ["-y", "pnpm@12", "pack", "--out", tarball])
  const unpacked = Path.join(temporary, name)
  Fs.mkdirSync(unpacked)
  await run(temporary, "tar", ["-xzf", tarball, "--strip-components", "1", "-C", unpacked])
  const contents = checkContents(name, unpacked)
  await run(root, bin("publint"), ["run", tarball, "--strict"])
  const entrypoints = [".", ...contents.modules]
  await run(root, bin("attw"), [tarball, "--profile", "esm-only", "--no-emoji", "--entrypoints", ...entrypoints])
  console.log(`✓ ${contents.manifest.name}: ${entrypoints.length} entry points`)
  return { ...contents, tarball, directory }
}

/** An empty project that has all packages as a user would, with their peers. */
const install = async (packages, registry) => {
  const dependencies = Object.assign(
    {},
    ...packages.map(({ manifest }) => manifest.peerDependencies),
    { "@types/node": "^20.19.0" },
    ...packages.map(({ manifest }) => ({ [manifest.name]: manifest.version }))
  )
  const directory = project("consumer", {
    ".npmrc": registry,
    "package.json": JSON.stringify({ private: true, type: "module", dependencies })
  })
  await run(directory, "npm", ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"])
  return directory
}

const checkRuntime = async (directory, packages) => {
  const entries = packages.map(({ internal, manifest, modules }) => ({ name: manifest.name, modules, internal }))
  Fs.writeFileSync(
    Path.join(directory, "runtime.mjs"),
    `
    import assert from "node:assert/strict"
    for (const { name, modules, internal } of ${JSON.stringify(entries)}) {
      const index = await import(name)
      for (const module of modules) await import(\`\${name}/\${module}\`)
      assert.deepEqual(Object.keys(index).filter((key) => !modules.includes(key)), [], \`\${name} exports what is no module\`)
      for (const module of internal) {
        await assert.rejects(import(\`\${name}/\${module}\`), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" }, \`\${name}/\${module}\`)
      }
    }
    `
  )
  await run(directory, process.execPath, ["runtime.mjs"])
  console.log("✓ Node imports every module, and no internal one")
}

const checkTypes = async (directory, packages, types) => {
  const specifiers = packages.flatMap(({ manifest, modules }) => [
    manifest.name,
    ...modules.map((module) => `${manifest.name}/${module}`)
  ])
  const rejected = packages.flatMap(({ internal, manifest }) => internal.map((module) => `${manifest.name}/${module}`))
  Fs.writeFileSync(
    Path.join(directory, "consumer.ts"),
    [
      ...specifiers.map((specifier, index) => `import * as M${index} from "${specifier}"`),
      ...rejected.map((specifier) => `// @ts-expect-error is not exported\nexport * from "${specifier}"`),
      `export const modules = [${specifiers.map((_, index) => `M${index}`).join(", ")}]`
    ].join("\n")
  )
  const compilerOptions = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    target: "es2022",
    types
  }
  for (const [module, moduleResolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
    Fs.writeFileSync(
      Path.join(directory, "tsconfig.json"),
      JSON.stringify({ files: ["consumer.ts"], compilerOptions: { ...compilerOptions, module, moduleResolution } })
    )
    await run(directory, bin("tsc"), [])
    console.log(`✓ TypeScript resolves and checks every module of ${packages.length} packages (${moduleResolution})`)
  }
}

/**
 * Starts the command of a package as one would after `npm install`: its first line on stdout has to be its URL. Gives the
 * URL, and how to stop it.
 */
const start = async (directory, command) => {
  const child = spawn(Path.join(directory, "node_modules", ".bin", command), {
    cwd: directory,
    env: { ...process.env, UPLOADS_PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"]
  })
  const ended = once(child, "exit")
  process.once("exit", () => child.kill())
  const [line] = await Promise.race([once(child.stdout, "data"), ended])
  const [, url] = /^(http:\/\/127\.0\.0\.1:\d+)\n/.exec(String(line)) ??
    fail(`${command} does not start`, [String(line)])
  const stop = async () => {
    child.kill()
    await ended
    console.log(`✓ ${command} starts and stops`)
  }
  return { url, stop }
}

const packages = []
// One after the other: each is built before it is packed.
for (const directory of libraries) packages.push(await pack(directory))
const registry = await registries.serve(packages)
const consumer = await install(packages, registry)
await checkRuntime(consumer, packages)
await checkTypes(
  consumer,
  packages.filter(({ manifest: { peerDependencies, peerDependenciesMeta } }) =>
    peerDependencies["@effect/platform-node"] === undefined ||
    peerDependenciesMeta?.["@effect/platform-node"]?.optional
  ),
  []
)
await checkTypes(consumer, packages, ["node"])
const server = await start(consumer, "effect-uploads-server")
const { status } = await fetch(server.url)
if (status !== 200) fail("effect-uploads-server has no page at /", [`status ${status}`])
await checkInstalls(packages, registry, `${server.url}/v1`)
await server.stop()
