/**
 * Checks what would be published: packs every public package, looks into the tarball, and uses it from an empty project
 * as Node and TypeScript would. Run it with `pnpm check:packages`.
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const bin = (name) => Path.join(root, "node_modules", ".bin", name)

const temporary = Fs.mkdtempSync(Path.join(Os.tmpdir(), "check-packages-"))
process.on("exit", () => Fs.rmSync(temporary, { recursive: true, force: true }))
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1))

/** Runs a command whose output matters only when it fails. */
const run = (cwd, command, ...args) => {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch (error) {
    fail(`${Path.basename(command)} ${args.join(" ")}`, [error.stdout, error.stderr, error.code])
  }
}

const fail = (what, details = []) => {
  console.error([`✗ ${what}`, ...details].filter(Boolean).join("\n"))
  process.exit(1)
}

const none = (what, found) => {
  if (found.length > 0) fail(what, found.map((one) => `  ${one}`))
}

const filesIn = (directory) =>
  Fs.readdirSync(directory, { recursive: true })
    .filter((file) => Fs.statSync(Path.join(directory, file)).isFile())
    .map((file) => file.replaceAll(Path.sep, "/"))

const modulesIn = (files, directory, extension) =>
  files
    .filter((file) => file.startsWith(`${directory}/`) && file.endsWith(extension))
    .map((file) => file.slice(directory.length + 1, -extension.length))

/** What cannot be imported: helpers, and the module behind a command. */
const isPrivate = (module) => module === "main" || module.startsWith("internal/")

/** What is in the tarball: no more than is wanted, and nothing missing. */
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

const pack = (directory) => {
  const name = Path.basename(directory)
  const tarball = Path.join(temporary, `${name}.tgz`)
  run(directory, "pnpm", "pack", "--out", tarball)
  const unpacked = Path.join(temporary, name)
  Fs.mkdirSync(unpacked)
  run(temporary, "tar", "-xzf", tarball, "--strip-components", "1", "-C", unpacked)
  const contents = checkContents(name, unpacked)
  run(root, bin("publint"), "run", tarball, "--strict")
  const entrypoints = [".", ...contents.modules]
  run(root, bin("attw"), tarball, "--profile", "esm-only", "--no-emoji", "--entrypoints", ...entrypoints)
  console.log(`✓ ${contents.manifest.name}: ${entrypoints.length} entry points`)
  return { ...contents, tarball }
}

/** An empty project that has the packages as a user would: from npm, with their peers. */
const install = (packages) => {
  const project = Path.join(temporary, "consumer")
  Fs.mkdirSync(project)
  const dependencies = Object.assign(
    {},
    ...packages.map(({ manifest }) => manifest.peerDependencies),
    { "@types/node": "^20.19.0" },
    ...packages.map(({ manifest, tarball }) => ({ [manifest.name]: `file:${tarball}` }))
  )
  Fs.writeFileSync(Path.join(project, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }))
  run(project, "npm", "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
  return project
}

const checkRuntime = (project, packages) => {
  const entries = packages.map(({ internal, manifest, modules }) => ({ name: manifest.name, modules, internal }))
  Fs.writeFileSync(
    Path.join(project, "runtime.mjs"),
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
  run(project, process.execPath, "runtime.mjs")
  console.log("✓ Node imports every module, and no internal one")
}

const checkTypes = (project, packages, types) => {
  const specifiers = packages.flatMap(({ manifest, modules }) => [
    manifest.name,
    ...modules.map((module) => `${manifest.name}/${module}`)
  ])
  const refused = packages.flatMap(({ internal, manifest }) => internal.map((module) => `${manifest.name}/${module}`))
  Fs.writeFileSync(
    Path.join(project, "consumer.ts"),
    [
      ...specifiers.map((specifier, index) => `import * as M${index} from "${specifier}"`),
      ...refused.map((specifier) => `// @ts-expect-error is not exported\nexport * from "${specifier}"`),
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
      Path.join(project, "tsconfig.json"),
      JSON.stringify({ files: ["consumer.ts"], compilerOptions: { ...compilerOptions, module, moduleResolution } })
    )
    run(project, bin("tsc"))
    console.log(`✓ TypeScript resolves and checks every module of ${packages.length} packages (${moduleResolution})`)
  }
}

/** Starts each command as one would after `npm install`: it has to say on its first line where it is. */
const checkCommands = async (project, packages) => {
  for (const command of packages.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}))) {
    const child = spawn(Path.join(project, "node_modules", ".bin", command), {
      cwd: project,
      env: { ...process.env, UPLOADS_PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"]
    })
    const [line] = await Promise.race([once(child.stdout, "data"), once(child, "exit")])
    child.kill()
    if (!/^http:\/\/127\.0\.0\.1:\d+\n/.test(String(line))) fail(`${command} does not start`, [String(line)])
    await once(child, "exit")
    console.log(`✓ ${command} starts and stops`)
  }
}

const published = Fs.readdirSync(Path.join(root, "packages"))
  .map((name) => Path.join(root, "packages", name))
  .filter((directory) => Fs.existsSync(Path.join(directory, "src", "index.ts")))
  .filter((directory) => !JSON.parse(Fs.readFileSync(Path.join(directory, "package.json"), "utf8")).private)

const packages = published.map(pack)
const project = install(packages)
checkRuntime(project, packages)
checkTypes(
  project,
  packages.filter(({ manifest }) => manifest.peerDependencies["@effect/platform-node"] === undefined),
  []
)
checkTypes(project, packages, ["node"])
await checkCommands(project, packages)
