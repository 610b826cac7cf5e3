/**
 * Checks the command `uploads` as it would be published: packs it, installs the tarball in an empty project, and uses it on
 * each supported version of Node against the server from its tarball. Run it with `pnpm check:packages`.
 */
import { execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** The npm package `node` has the binaries. */
const versions = ["20", "22", "24"]

const root = fileURLToPath(new URL("..", import.meta.url))
const project = Fs.mkdtempSync(Path.join(Os.tmpdir(), "check-command-"))
process.on("exit", () => Fs.rmSync(project, { recursive: true, force: true }))
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1))

const fail = (what, details = []) => {
  console.error([`✗ ${what}`, ...details].filter(Boolean).join("\n"))
  process.exit(1)
}

/** Runs a program, and gives what it prints. */
const run = (cwd, program, args, env = {}) => {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", env: { ...process.env, ...env }, stdio: "pipe" })
  } catch (error) {
    return fail(`${Path.basename(program)} ${args.join(" ")}`, [error.stdout, error.stderr, error.code])
  }
}

const pack = (name) => {
  const tarball = Path.join(project, `${name}.tgz`)
  run(Path.join(root, "packages", name), "pnpm", ["pack", "--out", tarball])
  return tarball
}

const install = (...packages) =>
  run(project, "npm", ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", ...packages])

/** Checks that the tarball has the files of the command and no others. */
const checkContents = (tarball) => {
  const files = run(project, "tar", ["-tzf", tarball]).trim().split("\n").map((file) => file.replace(/^package\//, ""))
  for (const file of ["LICENSE", "README.md", "dist/main.js", "dist/uploads.1", "package.json"]) {
    if (!files.includes(file)) fail(`the command lacks ${file}`)
  }
  const others = files.filter((file) => !/^(LICENSE|README\.md|package\.json|dist\/[\w-]+\.(js|1))$/.test(file))
  if (others.length > 0) fail("the command contains what is not for publication", others)
  const manifest = JSON.parse(run(project, "tar", ["-xzOf", tarball, "package/package.json"]))
  if (Object.keys(manifest.dependencies ?? {}).length > 0) fail("the command has dependencies that are not bundled")
}

Fs.writeFileSync(Path.join(project, "package.json"), JSON.stringify({ private: true }))
const tarballs = ["domain", "http", "server", "cli"].map(pack)
checkContents(tarballs.at(-1))
install(tarballs.at(-1))
const uploads = Path.join(project, "node_modules", ".bin", "uploads")
const version = run(project, "npx", ["--no-install", "uploads", "--version"]).trim()
if (!/^\d+\.\d+\.\d+$/.test(version)) fail("npx uploads --version", [version])
console.log(`✓ npx uploads ${version}, one package of ${Math.round(Fs.statSync(tarballs.at(-1)).size / 1024)} KiB`)

install(...tarballs)
for (const wanted of versions) {
  const folder = Path.join(project, `node-${wanted}`)
  Fs.mkdirSync(folder)
  Fs.writeFileSync(Path.join(folder, "package.json"), JSON.stringify({ private: true }))
  run(folder, "npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", `node@${wanted}`])
  const node = Path.join(folder, "node_modules", "node", "bin", "node")
  const server = spawn(node, [uploads, "serve", "--port", "0", "--data", "data"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"]
  })
  const [url] = await Promise.race([once(createInterface(server.stdout), "line"), once(server, "exit")])
  if (!/^http:\/\/127\.0\.0\.1:\d+$/.test(String(url))) fail(`uploads serve on Node ${wanted}`, [String(url)])
  const env = { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: "", UPLOADS_STATE_DIR: Path.join(folder, "state") }
  const content = randomBytes(3_000_000)
  Fs.writeFileSync(Path.join(folder, "a.bin"), content)
  const id = run(folder, node, [uploads, "put", "-q", "a.bin", "--part-size", "1MB"], env).trim()
  run(folder, node, [uploads, "files", "get", id, "-o", "b.bin"], env)
  if (!content.equals(Fs.readFileSync(Path.join(folder, "b.bin")))) fail(`another content on Node ${wanted}`)
  run(folder, node, [uploads, "doctor"], env)
  server.kill()
  await once(server, "exit")
  console.log(`✓ uploads serve, put, get and doctor on Node ${run(folder, node, ["--version"]).trim()}`)
}
