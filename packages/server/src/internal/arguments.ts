import { parseArgs } from "node:util"

/** The parsed arguments of the command. */
export type Arguments =
  | { readonly _tag: "Serve" }
  | { readonly _tag: "Help" }
  | { readonly _tag: "Version" }
  | { readonly _tag: "Invalid"; readonly message: string }

/** Parses the arguments. The command has no others than these: its configuration is in the environment. */
export const parse = (args: ReadonlyArray<string>): Arguments => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { help: { type: "boolean", short: "h" }, version: { type: "boolean", short: "v" } }
    })
    return values.help === true ? { _tag: "Help" } : values.version === true ? { _tag: "Version" } : { _tag: "Serve" }
  } catch (error) {
    return { _tag: "Invalid", message: error instanceof Error ? error.message : String(error) }
  }
}

/** The variables of `ServerConfig`, in its order, with a line for the help. */
const variables: ReadonlyArray<readonly [name: string, help: string]> = [
  ["UPLOADS_HOST", "the address to listen on (127.0.0.1)"],
  ["UPLOADS_PORT", "the port; 0 picks a free one (4141)"],
  ["UPLOADS_DATA_DIR", "the folder of parts and of the SQLite file (uploads-data)"],
  ["UPLOADS_API_KEYS", "project:key pairs, separated by commas"],
  ["UPLOADS_API_KEYS_FILE", "a file with project:key pairs, one in a line; # begins a comment"],
  ["UPLOADS_CORS_ORIGINS", "origins of web pages that may use the API, separated by commas"],
  ["UPLOADS_PAGE", "whether the page at / is served: open or off (open)"],
  ["UPLOADS_DOCS", "who may see /docs: open, key or off (open)"],
  ["UPLOADS_METRICS", "who may see /metrics: open, key or off (open)"],
  ["UPLOADS_DATABASE_URL", "a PostgreSQL database instead of SQLite"],
  ["UPLOADS_PART_BYTES", "the maximum size of a part in bytes (67108864)"],
  ["UPLOADS_UPLOAD_BYTES", "the maximum size of an Upload in bytes (8589934592)"],
  ["UPLOADS_SURPLUS_PARTS", "parts that are stored beyond twice the declared size (4)"],
  ["UPLOADS_UPLOAD_PARTS", "the maximum number of parts of an Upload (10000)"],
  ["UPLOADS_UPLOAD_LIFETIME", "the time until an Upload expires (1 hour)"],
  ["UPLOADS_PROJECT_PENDING_UPLOADS", "the maximum number of pending Uploads of a project (10000)"],
  ["UPLOADS_PROJECT_BYTES", "the maximum of the stored bytes of a project (1099511627776)"],
  ["UPLOADS_PROJECT_REQUESTS", "the maximum number of requests of a project at the same time (1000)"],
  ["UPLOADS_REQUEST_TIMEOUT", "the time in which a request has to arrive (10 minutes)"],
  ["UPLOADS_SHUTDOWN_TIMEOUT", "the time that running requests have at the end (30 seconds)"],
  ["UPLOADS_SWEEP_INTERVAL", "the time between two passes that free space (1 minute)"],
  ["UPLOADS_RETENTION", "the time for which an ended Upload is known (7 days)"],
  ["UPLOADS_LOG_LEVEL", "ALL, DEBUG, INFO, WARN, ERROR or OFF (INFO)"]
]

const width = Math.max(...variables.map(([name]) => name.length))

export const help = `Usage: effect-uploads-server [--help] [--version]

Serves the OpenAI Uploads and Files API. The first line on stdout is the URL.

Environment (default):
${variables.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join("\n")}
`

const known = new Set(variables.map(([name]) => name))

/** The variables that look like ours and are not: a typing error would be ignored silently. */
export const unknownVariables = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.filter((name) => name.startsWith("UPLOADS_") && !known.has(name)).sort()
