/**
 * The man page, made of the help of the commands.
 */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import type { HelpDoc } from "@effect/cli/HelpDoc"
import type { Span } from "@effect/cli/HelpDoc/Span"
import * as Usage from "@effect/cli/Usage"
import { addPart } from "./src/commands/addPart.js"
import { cancel } from "./src/commands/cancel.js"
import { cleanup } from "./src/commands/cleanup.js"
import { complete } from "./src/commands/complete.js"
import { create } from "./src/commands/create.js"
import { doctor } from "./src/commands/doctor.js"
import { filesDelete } from "./src/commands/filesDelete.js"
import { filesGet } from "./src/commands/filesGet.js"
import { filesList } from "./src/commands/filesList.js"
import { filesShow } from "./src/commands/filesShow.js"
import { pending } from "./src/commands/pending.js"
import { put } from "./src/commands/put.js"
import { serve } from "./src/commands/serve.js"
import { meanings } from "./src/ExitCode.js"
import { version } from "./src/version.js"

const config = CliConfig.make({ showBuiltIns: false })

const textOf = (span: Span): string => {
  switch (span._tag) {
    case "Text":
    case "URI":
      return span.value
    case "Sequence":
      return textOf(span.left) + textOf(span.right)
    case "Highlight":
    case "Strong":
    case "Weak":
      return textOf(span.value)
  }
}

/** A hyphen, a backslash and a point at the beginning of a line mean something to roff. */
const escape = (text: string): string =>
  text.replace(/\\/g, "\\e").replace(/-/g, "\\-").replace(/^([.'])/gm, "\\&$1").trim()

/** The parser says this about every option. It does not help a reader. */
const noise = /^A (user-defined piece of text|true or false value)\.$|^This setting is optional\.$/

const roff = (doc: HelpDoc): string => {
  switch (doc._tag) {
    case "Empty":
      return ""
    case "Header":
      return `.PP\n.B ${escape(textOf(doc.value))}\n`
    case "Paragraph": {
      const text = textOf(doc.value)
      return text === "" || noise.test(text) ? "" : `.PP\n${escape(text)}\n`
    }
    case "DescriptionList":
      return doc.definitions.map(([span, body]) => `.TP\n.B ${escape(textOf(span))}\n${inner(body)}`).join("")
    case "Enumeration":
      return doc.elements.map((element) => `.IP \\(bu 2\n${inner(element)}`).join("")
    case "Sequence":
      return roff(doc.left) + roff(doc.right)
  }
}

/** Within an item of a list a paragraph does not begin a new one. */
const inner = (doc: HelpDoc): string => roff(doc).replace(/^\.PP\n/gm, "")

const section = (title: string, body: string): string => `.SH ${title}\n${body}`

const commandSection = <Name extends string, R, E, A>(
  name: string,
  command: Command.Command<Name, R, E, A>
): string => {
  const usage = Array.from(Usage.enumerate(Command.getUsage(command), config), textOf)
  const prefix = name.split(" ").slice(0, -1).map((word) => `${word} `).join("")
  return `.SS ${escape(name)}\n${usage.map((line) => `.PP\n.B ${escape(`${prefix}${line}`)}\n`).join("")}` +
    roff(Command.getHelp(command, config))
}

const commands = [
  commandSection("uploads put", put),
  commandSection("uploads create", create),
  commandSection("uploads add-part", addPart),
  commandSection("uploads complete", complete),
  commandSection("uploads cancel", cancel),
  commandSection("uploads files list", filesList),
  commandSection("uploads files show", filesShow),
  commandSection("uploads files get", filesGet),
  commandSection("uploads files delete", filesDelete),
  commandSection("uploads pending", pending),
  commandSection("uploads cleanup", cleanup),
  commandSection("uploads serve", serve),
  commandSection("uploads doctor", doctor)
]

const table = (rows: ReadonlyArray<readonly [name: string, text: string]>): string =>
  rows.map(([name, text]) => `.TP\n.B ${escape(name)}\n${escape(text)}\n`).join("")

/** In the form of `man`: `uploads.1`. */
export const manual = (): string =>
  [
    `.TH UPLOADS 1 "" "uploads ${version}" "User Commands"\n`,
    section("NAME", `uploads \\- files of any size to OpenAI's Uploads API and back, resumable\n`),
    section("SYNOPSIS", `.B uploads\n.I command\n[options] [arguments]\n`),
    section("COMMANDS", commands.join("")),
    section(
      "EXIT STATUS",
      table(meanings.map(([code, meaning]) => [String(code), meaning]))
    ),
    section(
      "ENVIRONMENT",
      table([
        ["OPENAI_API_KEY", "The API key. A service on this machine needs none."],
        ["OPENAI_BASE_URL", "The URL of the service, up to and with the version. Default: https://api.openai.com/v1."],
        ["OPENAI_ORG_ID, OPENAI_PROJECT_ID", "The organization and the project."],
        ["UPLOADS_CONFIG_FILE", "The config file, in another place than that of the platform."],
        ["UPLOADS_STATE_DIR", "The folder of the journals, in another place than that of the platform."],
        ["NO_COLOR", "Leaves out colours when it is not empty."]
      ])
    ),
    section(
      "FILES",
      table([
        [
          "~/.config/effect-uploads/config.env",
          "Lines such as OPENAI_API_KEY=..., for what the environment does not say."
        ],
        ["~/.local/state/effect-uploads/journals", "What is needed to resume transfers."]
      ])
    )
  ].join("")
