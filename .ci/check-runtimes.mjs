/**
 * Runs one program, `packages/examples/src/everywhere`, in every supported runtime, against the server as a process of its own.
 * The packages are packed and installed, as a user has them. Run it with `pnpm check:runtimes`.
 */
import { execFile, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Http from "node:http"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { isDeepStrictEqual, promisify } from "node:util"
import { attempt, bin, fail, none, project, root, run, temporary } from "./packages/run.mjs"

/** npm has the binaries. */
const node = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`
const dependencies = {
  "node-20": `npm:${node}@20`,
  "node-22": `npm:${node}@22`,
  "node-24": `npm:${node}@24`,
  bun: "1",
  deno: "2",
  workerd: "1"
}

const chromium = "/usr/bin/chromium"

/** A program that has not ended by then has left something behind that keeps it running. */
const timeout = 60_000

const execute = (command, args, cwd = temporary) => promisify(execFile)(command, args, { cwd, timeout })

const requireFrom = (name) => createRequire(Path.join(root, "packages", name, "package.json"))
const { build } = requireFrom("server")("esbuild")

/** The runtimes are 600 MB, so they are kept between runs. */
const installRuntimes = async () => {
  const directory = Path.join(root, "node_modules", ".cache", "runtimes")
  const done = Path.join(directory, "installed.json")
  const manifest = JSON.stringify({ private: true, dependencies })
  if (Fs.existsSync(done) && Fs.readFileSync(done, "utf8") === manifest) return directory
  Fs.rmSync(directory, { recursive: true, force: true })
  Fs.mkdirSync(directory, { recursive: true })
  Fs.writeFileSync(Path.join(directory, "package.json"), manifest)
  const { code, output } = await attempt(directory, "npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"])
  if (code === 0) Fs.writeFileSync(done, manifest)
  else console.log(`- npm has no binaries for this machine, so only what is installed runs:\n${output}`)
  return directory
}

/** A project that has the packed packages, and the program in it. */
const installPackages = async () => {
  const tarballs = []
  for (const name of ["domain", "http", "transfer"]) {
    const tarball = Path.join(temporary, `${name}.tgz`)
    await run(Path.join(root, "packages", name), "npx", ["-y", "pnpm@12", "pack", "--out", tarball])
    tarballs.push(tarball)
  }
  const peers =
    JSON.parse(Fs.readFileSync(Path.join(root, "packages", "transfer", "package.json"), "utf8")).devDependencies
  const directory = project("everywhere")
  await run(directory, "npm", [
    ...["install", "--prefer-offline", "--no-audit", "--no-fund"],
    ...tarballs,
    ...["effect", "@effect/platform", "@effect/platform-node"].map((name) => `${name}@${peers[name]}`)
  ])
  const sources = Path.join(root, "packages", "examples", "src", "everywhere")
  await build({
    entryPoints: Fs.readdirSync(sources).map((file) => Path.join(sources, file)),
    outdir: directory,
    target: "es2022",
    logLevel: "warning"
  })
  return directory
}

/** The program in one file, for a runtime that does not look for packages. */
const bundle = async (directory, name, format) => {
  const outfile = Path.join(directory, `${name}.bundle.js`)
  await build({
    entryPoints: [Path.join(directory, `${name}.js`)],
    outfile,
    bundle: true,
    platform: "browser",
    format,
    target: "es2022",
    logLevel: "warning"
  })
  return outfile
}

/** Starts the server, and gives its URL. It is ended with this process. */
const startServer = async (env) => {
  const main = Path.join(root, "packages", "server", "build", "command", "main.js")
  const child = spawn(process.execPath, [main], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] })
  process.on("exit", () => child.kill("SIGKILL"))
  let log = ""
  child.stderr.on("data", (data) => (log += data))
  const [url] = await Promise.race([once(createInterface(child.stdout), "line"), once(child, "exit")])
  return /^http:/.test(String(url)) ? url : fail("the server did not start", [log])
}

/** Added to the script of a page: a page may compile what is evaluated in it from outside. */
const compileEmptyModule = `
globalThis.isWebAssemblyAllowed = WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)).then(() => true, () => false)
`

/** Sites for the browser: one that allows everything, and one that allows no WebAssembly. */
const serveSites = async (script) => {
  const policies = { open: undefined, strict: "default-src 'self'; connect-src *" }
  const site = async (policy) => {
    const server = Http.createServer((request, response) => {
      if (policy !== undefined) response.setHeader("content-security-policy", policy)
      if (request.url === "/page.js") {
        response.setHeader("content-type", "text/javascript")
        return response.end(script)
      }
      response.setHeader("content-type", "text/html")
      response.end("<!doctype html><title>everywhere</title><script src=page.js></script>")
    })
    server.listen(0, "127.0.0.1").unref()
    await once(server, "listening")
    return `http://127.0.0.1:${server.address().port}`
  }
  return { open: await site(policies.open), strict: await site(policies.strict) }
}

const runInBrowser = async (url, client, { allowsWebAssembly }) => {
  const browser = await requireFrom("server")("playwright-core").chromium.launch({
    executablePath: chromium,
    args: ["--no-sandbox"]
  })
  try {
    const page = await browser.newPage()
    await page.goto(url)
    if (await page.evaluate(() => globalThis.isWebAssemblyAllowed) !== allowsWebAssembly) {
      fail("the Content-Security-Policy of the page is not applied")
    }
    return await page.evaluate(([client, options]) => globalThis.everywhere[client](options), [client, options])
  } finally {
    await browser.close()
  }
}

const runInWorkerd = async (workerd, script, options) => {
  const config = Path.join(temporary, "workerd.capnp")
  Fs.writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [(name = "worker", esModule = embed "${Path.relative(temporary, script)}")],
      compatibilityDate = "2025-01-01", globalOutbound = "network")),
    (name = "network", network = (allow = ["private"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);`
  )
  const child = spawn(workerd, ["serve", config, "--control-fd=3"], { stdio: ["ignore", "inherit", "inherit", "pipe"] })
  try {
    for await (const line of createInterface(child.stdio[3])) {
      const { event, port } = JSON.parse(line)
      if (event !== "listen") continue
      const response = await fetch(`http://127.0.0.1:${port}`, {
        method: "POST",
        body: JSON.stringify(options),
        signal: AbortSignal.timeout(timeout)
      })
      const text = await response.text()
      return response.ok ? JSON.parse(text) : fail("workerd", [text])
    }
  } finally {
    child.kill()
  }
}

const [tools, directory] = await Promise.all([installRuntimes(), installPackages()])
await run(Path.join(root, "packages", "server"), bin("tsx"), ["bundle.ts", Path.join("build", "command")])
const page = await bundle(directory, "page", "iife")
const worker = await bundle(directory, "worker", "esm")
const sites = await serveSites(Fs.readFileSync(page, "utf8") + compileEmptyModule)

const apiKey = `sk-${randomBytes(12).toString("hex")}`
const url = await startServer({
  UPLOADS_PORT: "0",
  UPLOADS_DATA_DIR: Path.join(temporary, "data"),
  UPLOADS_API_KEYS: `everywhere:${apiKey}`,
  UPLOADS_CORS_ORIGINS: Object.values(sites).join(",")
})
const options = { apiUrl: `${url}/v1`, apiKey }

/** Runs an entry point as a command, which prints the report. */
const command = (program, args, entry) => async () => {
  const { stdout } = await execute(program, [...args, Path.join(directory, entry), options.apiUrl, apiKey], directory)
  return JSON.parse(stdout)
}

const binary = (...path) => Path.join(tools, "node_modules", ...path)

const commands = [
  ...["20", "22", "24"].map((version) => ({
    runtime: `Node ${version}`,
    program: binary(`node-${version}`, "bin", "node"),
    args: []
  })),
  { runtime: "Bun 1", program: binary(".bin", "bun"), args: ["run"] },
  { runtime: "Deno 2", program: binary(".bin", "deno"), args: ["run", "--allow-all", "--quiet"] }
]

/** Each case is a runtime, the layer of the client there, and how the program is run. */
const cases = [
  ...commands.flatMap(({ args, program, runtime }) => [
    { runtime, client: "NodeUploads.layer", program, files: true, report: command(program, args, "nodeUploads.js") },
    { runtime, client: "FetchHttpClient.layer", program, files: true, report: command(program, args, "nodeFetch.js") }
  ]),
  {
    runtime: "workerd",
    client: "FetchHttpClient.layer",
    program: binary(".bin", "workerd"),
    report: () => runInWorkerd(binary(".bin", "workerd"), worker, options)
  },
  ...["BrowserUploads.layer", "FetchHttpClient.layer"].map((client) => ({
    runtime: "Chromium",
    client,
    program: chromium,
    report: () => runInBrowser(sites.open, client, { allowsWebAssembly: true })
  })),
  {
    runtime: "Chromium, where WebAssembly is not allowed",
    client: "BrowserUploads.layer",
    program: chromium,
    report: () => runInBrowser(sites.strict, "BrowserUploads.layer", { allowsWebAssembly: false })
  }
]

/** The bytes that `program.ts` sends. */
const bytes = 4 * (5 * 1024 * 1024 + 1)

const isSome = (parts) => parts >= 1 && parts <= 4

const isExpected = ({ resumedFileParts, resumedParts, ...report }, files) =>
  isDeepStrictEqual(report, {
    sameBytes: bytes,
    afterInterruption: "UploadAlreadyCancelled",
    wrongKey: "Unauthenticated",
    unknownUpload: "UploadNotFound",
    partTooLarge: "PartTooLarge",
    wrongMd5: "ChecksumMismatch"
  }) && isSome(resumedParts) && (files ? isSome(resumedFileParts) : resumedFileParts === null)

/** The table of the README names what runs here, and nothing else. */
const checkTable = () => {
  const readme = Fs.readFileSync(Path.join(root, "packages", "http", "README.md"), "utf8")
  const [, section = ""] = readme.split("\n## Runtimes\n")
  const table = section.split("\n## ")[0].split("\n").filter((line) => line.startsWith("| ")).slice(2)
  const expected = [...new Set(cases.map(({ runtime }) => runtime))].map((runtime) => {
    const clients = cases.filter((one) => one.runtime === runtime).map(({ client }) => `\`${client}\``)
    return `| ${runtime} | ${clients.join(", ")} |`
  })
  if (!isDeepStrictEqual(table, expected)) fail("packages/http/README.md, Runtimes: write", expected)
}

checkTable()
const failures = []
for (const { client, files = false, program, report, runtime } of cases) {
  if (!Fs.existsSync(program)) {
    console.log(`- ${runtime}, ${client}: skipped, because ${program} does not exist`)
    continue
  }
  const started = process.hrtime.bigint()
  try {
    const result = await report()
    if (isExpected(result, files)) {
      const seconds = Number(process.hrtime.bigint() - started) / 1e9
      const { stdout } = await execute(program, ["--version"])
      console.log(`✓ ${runtime}, ${client}: ${stdout.trim().split("\n")[0]}, ${seconds.toFixed(1)} s`)
    } else failures.push(`${runtime}, ${client}: ${JSON.stringify(result)}`)
  } catch (error) {
    failures.push([`${runtime}, ${client}: ${error.message}`, error.stdout, error.stderr].filter(Boolean).join("\n"))
  }
  if (failures.length > 0) console.log(`✗ ${failures.at(-1)}`)
}
none("the program fails in", failures)
process.exit(0)
