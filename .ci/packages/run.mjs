/** Runs commands for the checks, and reports their failures. */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { root } from "./workspace.mjs"

export { root }

/** A folder for what is packed and installed, removed at the end. */
export const temporary = Fs.mkdtempSync(Path.join(Os.tmpdir(), "check-packages-"))
process.on("exit", () => Fs.rmSync(temporary, { recursive: true, force: true }))
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1))

export const fail = (what, details = []) => {
  console.error([`✗ ${what}`, ...details].filter(Boolean).join("\n"))
  process.exit(1)
}

export const none = (what, found) => {
  if (found.length > 0) fail(what, found.map((one) => `  ${one}`))
}

/** Runs a command to its end, and gives its exit code and its output. */
export const attempt = (cwd, command, args, env = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (data) => (output += data))
    child.stderr.on("data", (data) => (output += data))
    child.once("error", (error) => resolve({ code: 1, output: String(error) }))
    child.once("close", (code) => resolve({ code, output }))
  })

/** Runs a command whose output matters only when it fails. */
export const run = async (cwd, command, args, env = {}) => {
  const { code, output } = await attempt(cwd, command, args, env)
  if (code !== 0) fail(`${Path.basename(command)} ${args.join(" ")}`, [output])
  return output
}

/** A command of this workspace. */
export const bin = (name) => Path.join(root, "node_modules", ".bin", name)

/** A new folder for a project, with a `package.json` and other files. */
export const project = (name, files = {}) => {
  const directory = Path.join(temporary, name)
  const all = { "package.json": JSON.stringify({ private: true, type: "module" }), ...files }
  for (const [file, text] of Object.entries(all)) {
    const path = Path.join(directory, file)
    Fs.mkdirSync(Path.dirname(path), { recursive: true })
    Fs.writeFileSync(path, text)
  }
  return directory
}
