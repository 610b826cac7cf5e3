/**
 * Checks the doc comments of the published packages: each `@example` compiles as a module of its own, each public
 * constructor and layer has one, and each public export has a `@since` and one `@category`. Run it with
 * `pnpm check:examples`.
 *
 * An example is compiled as if it were a file of its package, so that its imports resolve as for a user.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import ts from "typescript"
import { libraries, root } from "./packages/workspace.mjs"

const relative = (file) => Path.relative(root, file)

const sources = libraries.flatMap((directory) =>
  Fs.readdirSync(Path.join(directory, "src"), { recursive: true })
    .filter((file) => file.endsWith(".ts") && file !== "index.ts" && file !== "main.ts")
    .map((file) => ({ directory, file: Path.join(directory, "src", file), public: !file.startsWith("internal") }))
    .map((source) => ({ ...source, text: Fs.readFileSync(source.file, "utf8") }))
)

const lineOf = (text, position) => text.slice(0, position).split("\n").length

/** The `ts` blocks of every `@example`, each with the line on which its code begins. */
const examples = sources.flatMap(({ directory, file, text }) =>
  [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap(({ 0: comment, index: start }) =>
    [...comment.matchAll(/^ *\* @example\b[^\n]*\n([\s\S]*?)(?=^ *\* @|\*\/)/gm)].flatMap((
      { 1: example, 0: all, index }
    ) =>
      [...example.matchAll(/^ *\* ```ts\n([\s\S]*?)^ *\* ```$/gm)].map(({ 0: block, 1: code, index: inExample }) => {
        const offset = start + index + all.length - example.length + inExample + block.indexOf("\n") + 1
        return { directory, file, line: lineOf(text, offset), code: code.replace(/^ *\* ?/gm, "") }
      })
    )
  )
)

const modules = new Map(
  examples.map((example, index) => [Path.join(example.directory, "build", "examples", `example${index}.ts`), example])
)

const { config } = ts.readConfigFile(Path.join(root, "tsconfig.base.json"), ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(
  {
    compilerOptions: {
      ...config.compilerOptions,
      composite: false,
      incremental: false,
      noEmit: true,
      noUnusedLocals: false,
      lib: ["ES2022", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
      types: ["node"],
      // Where @types/node is found.
      typeRoots: [Path.join(root, "node_modules", "@types")]
    },
    files: []
  },
  ts.sys,
  root
)

const host = ts.createCompilerHost(options)
const { fileExists, getSourceFile } = host
host.fileExists = (file) => modules.has(file) || fileExists(file)
host.getSourceFile = (file, languageVersion, ...rest) =>
  modules.has(file)
    ? ts.createSourceFile(file, modules.get(file).code, languageVersion)
    : getSourceFile(file, languageVersion, ...rest)

const program = ts.createProgram([...modules.keys()], options, host)

/** The errors of the compiler, each with its place in the doc comment. */
const errors = [...modules].flatMap(([name, { code, file, line }]) => {
  const module = program.getSourceFile(name)
  return [...program.getSyntacticDiagnostics(module), ...program.getSemanticDiagnostics(module)].map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")
    return `${relative(file)}:${line + lineOf(code, diagnostic.start ?? 0) - 1} ${message}`
  })
})

const isExported = (statement) =>
  ts.canHaveModifiers(statement) &&
  ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true

const nameOf = (statement) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name.getText()).join(", ")
    : statement.name?.text ?? statement.getText().split("\n")[0]

/** The tags that are missing in the doc comments of public exports. */
const documentation = sources.filter((source) => source.public).flatMap(({ file, text }) => {
  const module = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  return module.statements.filter(isExported).flatMap((statement) => {
    const comment = ts.getJSDocCommentsAndTags(statement).findLast(ts.isJSDoc)
    const tags = (comment?.tags ?? []).map((tag) => ({
      name: tag.tagName.text,
      text: ts.getTextOfJSDocComment(tag.comment) ?? ""
    }))
    const has = (name) => tags.some((tag) => tag.name === name)
    if (has("internal")) return []
    const noCode = tags.some(({ name, text }) => name === "example" && !text.includes("```ts\n"))
    const categories = tags.filter(({ name }) => name === "category").map(({ text }) => text)
    const place = `${relative(file)}:${lineOf(text, statement.getStart(module))} ${nameOf(statement)}`
    return [
      ...(has("since") ? [] : [`${place} has no @since`]),
      ...(categories.length === 1 ? [] : [`${place} has ${categories.length} @category`]),
      ...(noCode ? [`${place} has an @example without a ts block`] : []),
      ...(["constructors", "layers"].includes(categories[0]) && !has("example") ? [`${place} has no @example`] : [])
    ]
  })
})

const problems = [...errors, ...documentation]
if (problems.length > 0) {
  console.error(problems.map((problem) => `✗ ${problem}`).join("\n"))
  process.exit(1)
}
console.log(`✓ ${examples.length} examples compile`)
