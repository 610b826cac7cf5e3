/**
 * Checks the site that TypeDoc wrote: a page for every public module and every decision, and no link that leads nowhere,
 * in the site or in a Markdown file of the repository.
 * Run it with `pnpm build:docs`.
 */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { libraries, root } from "./packages/workspace.mjs"

const site = Path.join(root, "build", "docs")

const filesIn = (directory) => Fs.existsSync(directory) ? Fs.readdirSync(directory) : []

const modules = libraries.flatMap((directory) =>
  filesIn(Path.join(directory, "src"))
    .filter((file) => file.endsWith(".ts") && file !== "index.ts" && file !== "main.ts")
    .map((file) => `modules/_effect-uploads_${Path.basename(directory)}.${file.slice(0, -3)}.html`)
)
const decisions = libraries.flatMap((directory) =>
  filesIn(Path.join(directory, "decisions")).map((file) => Path.join(directory, "decisions", file))
)

const pages = new Map(
  Fs.readdirSync(site, { recursive: true })
    .filter((file) => file.endsWith(".html"))
    .map((file) => [file, Fs.readFileSync(Path.join(site, file), "utf8")])
)

const anchors = new Map(
  [...pages].map(([page, html]) => [page, new Set([...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id))])
)

/** The links of a page that stay in the site and lead to nothing. */
const deadLinks = ([page, html]) =>
  [...new Set([...html.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link]) => link))]
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path, anchor] = decodeURIComponent(link).split("#")
      const target = path === "" ? page : Path.join(Path.dirname(page), path)
      return !Fs.existsSync(Path.join(site, target)) ||
        (anchor !== undefined && anchor !== "" && anchors.get(target)?.has(anchor) === false)
    })
    .map((link) => `${page} links to ${link}`)

/** The anchors that GitHub makes of the headings of a Markdown file. */
const anchorsOf = (markdown) =>
  new Set(
    [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    )
  )

/** The links of a Markdown file to a file or a heading of the repository that does not exist. */
const deadMarkdownLinks = (file) => {
  const text = Fs.readFileSync(Path.join(root, file), "utf8")
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path, anchor] = link.split("#")
      const target = path === "" ? Path.join(root, file) : Path.join(root, Path.dirname(file), path)
      if (!Fs.existsSync(target)) return true
      return anchor !== undefined && target.endsWith(".md") && !anchorsOf(Fs.readFileSync(target, "utf8")).has(anchor)
    })
    .map((link) => `${file} links to ${link}`)
}

const markdown = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n")

const problems = [
  ...modules.filter((page) => !pages.has(page)).map((page) => `${page} is missing`),
  ...(filesIn(Path.join(site, "documents")).length === decisions.length
    ? []
    : [`of ${decisions.length} decisions, ${filesIn(Path.join(site, "documents")).length} have a page`]),
  ...[...pages].flatMap(deadLinks),
  ...markdown.flatMap(deadMarkdownLinks)
]

if (problems.length > 0) {
  console.error(problems.map((problem) => `✗ ${problem}`).join("\n"))
  process.exit(1)
}
console.log(
  `✓ build/docs/index.html: ${pages.size} pages, ${modules.length} modules, ${decisions.length} decisions, no dead link`
)
