/**
 * Bundles the command: `tsx bundle.ts FOLDER`. Without unused code the command starts in less than half of the time and takes
 * some 40 MiB less memory. Modules that are rarely needed are loaded on demand.
 */
import { build } from "esbuild"
import { realpathSync, rmSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Bundles the command of this package, or another program for Node. */
export const bundle = async (
  outdir: string,
  entryPoint = fileURLToPath(new URL("src/main.ts", import.meta.url))
): Promise<void> => {
  await build({
    entryPoints: [entryPoint],
    outdir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    // A native module is loaded from the folder of its package.
    external: ["libsql", "pg-native"],
    banner: {
      js: `import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url)`
    },
    logLevel: "warning"
  })
}

const [, program = "", outdir] = process.argv
if (outdir !== undefined && realpathSync(program) === realpathSync(fileURLToPath(import.meta.url))) {
  // The names of chunks change with their content.
  rmSync(outdir, { recursive: true, force: true })
  await bundle(outdir)
}
