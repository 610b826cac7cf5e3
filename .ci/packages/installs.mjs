/**
 * Runs the install lines of the READMEs, extracted from them, with npm, pnpm, yarn and bun, and then the code that the
 * README shows. Yarn is the one that npm gives for that name, which is Yarn 1.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import ts from "typescript"
import { attempt, fail, none, project, root, run, temporary } from "./run.mjs"

const read = (path) => Fs.readFileSync(Path.join(root, path), "utf8")

const tools = project("tools")
const tool = (name) => Path.join(tools, "node_modules", ".bin", name)
const npm = ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund"]

/**
 * How each package manager adds what a line names. All take the registry of our packages from `.npmrc`.
 *
 * The caches of Yarn and Bun know a package by its name and version, so both get one without packages of an earlier run.
 */
const managers = {
  npm: { add: npm, dev: "--save-dev" },
  pnpm: { add: [tool("pnpm"), "add", "--prefer-offline"], dev: "--save-dev" },
  yarn: {
    add: [tool("yarn"), "add", "--prefer-offline", "--no-progress"],
    dev: "--dev",
    env: { YARN_CACHE_FOLDER: Path.join(temporary, "yarn") }
  },
  bun: { add: [tool("bun"), "add"], dev: "--dev", env: { BUN_INSTALL_CACHE_DIR: Path.join(temporary, "bun") } }
}

/** pnpm fails until these packages are allowed or forbidden to build. None of them needs to. */
const allowBuilds = ["@parcel/watcher", "esbuild", "msgpackr-extract"]

const settings = (registry) => ({
  ".npmrc": registry,
  "pnpm-workspace.yaml": `allowBuilds:\n${allowBuilds.map((name) => `  "${name}": false\n`).join("")}`
})

/** The install lines of a README, each as the packages that it names. */
const installLines = (readme) =>
  [...read(readme).matchAll(/\bnpm (?:install|i|add) ([^\n`#]+)/g)].map(([line, rest]) => {
    const words = rest.trim().split(/\s+/)
    return {
      line: line.trim(),
      dev: words.some((word) => ["--save-dev", "-D"].includes(word)),
      names: words.filter((word) => !word.startsWith("-"))
    }
  })

/** `^3.22.0` is written `3` in an install line, and `^0.97.0` is `0.97`. */
const pinOf = (range) => {
  const [major, minor] = range.replace(/^[^\d]*/, "").split(".")
  return major === "0" ? `${major}.${minor}` : major
}

const checkPins = (readme, lines, ranges) =>
  none(
    `${readme} has install lines that will not work when a package has its next version: write`,
    lines.flatMap(({ line, names }) =>
      names
        .filter((name) => !name.startsWith("@effect-uploads/"))
        .map((name) => name.replace(/(?<=.)@.*$/, ""))
        .flatMap((name) => {
          if (ranges[name] === undefined) return [`(${name} is in no package.json) in "${line}"`]
          const pinned = `${name}@${pinOf(ranges[name])}`
          return names.includes(pinned) ? [] : [`${pinned} in "${line}"`]
        })
    )
  )

/** Removes the types, as any tool that runs TypeScript does. */
const javascript = (source) =>
  ts.transpileModule(source, { compilerOptions: { target: "es2022", module: "esnext" } }).outputText

/** The README's code as files of a project. */
const codeOf = (name) => {
  if (name === "examples") {
    const own = (text) => text.replaceAll("@effect-uploads/examples/", "./")
    return {
      "wholeFile.ts": read("packages/examples/src/wholeFile.ts"),
      "trainingJob.ts": read("packages/examples/src/trainingJob.ts"),
      "trainingJob.test.ts": own(read("packages/examples/test/trainingJob.test.ts")).replaceAll(
        /"\.\/(\w+)"/g,
        `"./$1.js"`
      ),
      "sendFile.ts": read("packages/examples/src/sendFile.ts"),
      "main.ts": `
        import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
        import * as Effect from "effect/Effect"
        import { send } from "./wholeFile.js"

        await Effect.runPromise(Effect.provide(send("data.bin"), NodeUploads.layerConfig()))
      `
    }
  }
  const directory = ["readme", ""].map((folder) => `packages/${name}/test/${folder}`)
    .find((directory) => Fs.existsSync(Path.join(root, directory)))
  return Object.fromEntries(
    Fs.readdirSync(Path.join(root, directory))
      .filter((file) => file.endsWith(".ts") && (directory.endsWith("readme") || file === "readme.ts"))
      .map((file) => [file, read(Path.join(directory, file))])
  )
}

/** Runs each file of the README's code: a test by vitest, any other as a program, against a server of ours. */
const runCode = async (directory, manager, code, service) => {
  const env = { OPENAI_API_KEY: "none", OPENAI_BASE_URL: service }
  for (const file of Object.keys(code)) {
    const [command, args] = file.endsWith(".test.ts")
      ? [Path.join(directory, "node_modules", ".bin", "vitest"), ["run", file.replace(/ts$/, "js")]]
      : [process.execPath, [file.replace(/ts$/, "js")]]
    const { code: exitCode, output } = await attempt(directory, command, args, env)
    if (exitCode !== 0) fail(`${file}, installed by ${manager}`, [output])
  }
}

/** The install lines and the code of one README, with each package manager. */
const checkReadme = async (readme, name, { ranges, registry, service }) => {
  const lines = installLines(readme)
  if (lines.length === 0) fail(`${readme} has no install line`)
  checkPins(readme, lines, ranges)
  const code = codeOf(name)
  const files = Object.fromEntries(
    Object.entries(code).map(([file, text]) => [file.replace(/ts$/, "js"), javascript(text)])
  )
  await Promise.all(
    Object.entries(managers).map(async ([manager, { add: [command, ...options], dev, env }]) => {
      const directory = project(`${name}-${manager}`, {
        ...settings(registry),
        ...files,
        "data.bin": "data",
        "training.jsonl": "{}"
      })
      for (const line of lines) {
        await run(directory, command, [...options, ...(line.dev ? [dev] : []), ...line.names], env)
      }
      await runCode(directory, manager, code, service)
    })
  )
  console.log(
    `✓ ${readme}: its install lines work with ${Object.keys(managers).join(", ")}; ${Object.keys(code).join(", ")} run`
  )
}

/**
 * The message of each package manager when Effect 4 is installed beside our packages. Our own code cannot report it: imports
 * are resolved before the first line runs, and `effect` 4 has no `effect/Either`. So the peer range has to. Bun reads it, and
 * prints nothing.
 */
const effect4 = [
  { manager: "npm", refuses: true, says: /ERESOLVE[\s\S]*peer effect@"\^3/ },
  {
    manager: "pnpm",
    refuses: true,
    options: ["--config.strictPeerDependencies=true"],
    says: /unmet peer effect[\s\S]*\^3/
  },
  { manager: "pnpm", refuses: false, says: /Issues with peer dependencies found/ },
  { manager: "yarn", refuses: false, says: /has incorrect peer dependency "effect@\^3/ }
]

const checkEffect4 = (registry) =>
  Promise.all(effect4.map(async ({ manager, options = [], refuses, says }, index) => {
    const [command, ...add] = managers[manager].add
    const directory = project(`effect4-${index}`, settings(registry))
    const names = ["@effect-uploads/domain", "effect@4"]
    const { code, output } = await attempt(directory, command, [...add, ...options, ...names])
    if ((code !== 0) !== refuses || !says.test(output)) fail(`${manager} does not tell of Effect 4`, [output])
  }))

/** Checks the READMEs of the packages and of the project. `service` is the URL of a server of ours. */
export const checkInstalls = async (packages, registry, service) => {
  const { devDependencies } = JSON.parse(read("package.json"))
  const ranges = Object.assign({}, devDependencies, ...packages.map(({ manifest }) => manifest.peerDependencies))
  const context = { ranges, registry, service }
  const [command, ...options] = npm
  await run(tools, command, [...options, "pnpm@12", "yarn@1", "bun@1"])
  for (const { directory } of packages) {
    await checkReadme(`packages/${Path.basename(directory)}/README.md`, Path.basename(directory), context)
  }
  await checkReadme("README.md", "examples", context)
  await checkEffect4(registry)
  console.log("✓ npm refuses Effect 4 beside a package of ours; pnpm and yarn warn, or refuse where they are told to")
}
