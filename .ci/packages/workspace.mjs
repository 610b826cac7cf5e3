import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

/** The directories of the published packages with modules to import. `cli` has none, because it is a command. */
export const libraries = Fs.readdirSync(Path.join(root, "packages"))
  .map((name) => Path.join(root, "packages", name))
  .filter((directory) => {
    const manifest = JSON.parse(Fs.readFileSync(Path.join(directory, "package.json"), "utf8"))
    return !manifest.private && manifest.exports?.["."] !== undefined
  })
