/**
 * The command in a few modules, some of which are loaded only when they are needed, and its man page: `tsx bundle.ts FOLDER`.
 * All dependencies are in the bundle, so `npx` has one package to fetch.
 */
import { bundle } from "@effect-uploads/server/bundle"
import { mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { manual } from "./manual.js"

/** Bundles the command as `main.js` into the folder. */
export const bundleCommand = (folder: string): Promise<void> =>
  bundle(folder, fileURLToPath(new URL("src/main.ts", import.meta.url)))

const [, program = "", folder] = process.argv
if (folder !== undefined && realpathSync(program) === realpathSync(fileURLToPath(import.meta.url))) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await bundleCommand(folder)
  writeFileSync(`${folder}/uploads.1`, manual())
}
