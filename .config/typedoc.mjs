/**
 * The API documentation as a site: `pnpm build:docs` writes it to build/docs, and fails on a warning.
 *
 * TypeDoc writes the whole site, with search, links between packages, READMEs and decisions. @effect/docgen writes Markdown of
 * one package, for a generator in Ruby. It also compiles the examples; here .ci/check-examples.mjs does that.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { Converter, ReflectionKind } from "typedoc"
import ts from "typescript"

/**
 * Takes the comment at the head of a file as that of the module. TypeDoc wants a `@module` in it, which Effect's sources do
 * not write.
 */
const moduleComments = (app) => {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module) || reflection.comment !== undefined) return
    const file = context.getSymbolFromReflection(reflection)?.declarations?.find(ts.isSourceFile)
    const [first] = file?.statements ?? []
    // Before anything else than an import it would be the comment of that.
    if (first !== undefined && ts.isImportDeclaration(first)) reflection.comment = context.getNodeComment(first, false)
  })
}

/** The name of a decision is its heading, not that of the file. */
const decisionTitles = (app) => {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const [, heading] = /^# (.+)$/m.exec(document.content[0]?.text ?? "") ?? []
    if (heading !== undefined) document.name = heading
  })
}

/** Without a remote there is nothing that a source link could lead to, and TypeDoc warns. */
const hasRemote =
  spawnSync("git", ["remote", "get-url", "origin"], { cwd: new URL("..", import.meta.url) }).status === 0

const packages = ["domain", "http", "transfer", "server"].map((name) => `packages/${name}`)
const hasDecisions = (directory) => Fs.existsSync(new URL(`../${directory}/decisions`, import.meta.url))

export default {
  name: "Effect Uploads",
  plugin: [moduleComments, decisionTitles],
  entryPointStrategy: "packages",
  entryPoints: packages.map((directory) => `../${directory}`),
  projectDocuments: packages.filter(hasDecisions).map((directory) => `../${directory}/decisions/*.md`),
  packageOptions: {
    entryPoints: ["src/*.ts"],
    exclude: ["src/index.ts", "src/main.ts"],
    tsconfig: "tsconfig.src.json",
    readme: "README.md",
    disableSources: !hasRemote,
    excludeInternal: true,
    // Effect documents the members that every Schema.Class and Context.Tag inherits.
    excludeExternals: true,
    categorizeByGroup: false,
    categoryOrder: ["constructors", "layers", "services", "models", "schemas", "errors", "*"]
  },
  readme: "../README.md",
  out: "../build/docs",
  customCss: "typedoc.css",
  navigation: { includeFolders: false },
  sortEntryPoints: false,
  // No filter hides a constructor because a library declares it.
  visibilityFilters: {},
  hideGenerator: true,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true
}
