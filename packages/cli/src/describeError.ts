import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import type { FileNotFound } from "@effect-uploads/domain/FileError"
import type * as TransferError from "@effect-uploads/transfer/TransferError"
import * as ValidationError from "@effect/cli/ValidationError"
import * as ConfigError from "effect/ConfigError"
import * as Match from "effect/Match"
import * as Option from "effect/Option"
import type { CliError } from "./CliError.js"
import { ExitCode } from "./ExitCode.js"
import { formatMoment } from "./moment.js"
import { printable } from "./Output.js"

/** Everything that a command can fail with. */
export type AnyError =
  | TransferError.TransferError
  | FileNotFound
  | CliError
  | ConfigError.ConfigError
  | ValidationError.ValidationError

export interface Description {
  /** What happened and what to do. None where it was told before. */
  readonly sentence: Option.Option<string>
  readonly exitCode: ExitCode
  /** The name of the error, for scripts. */
  readonly name: string
  readonly requestId: Option.Option<string>
}

/** A sentence ends with a full stop, and a message does not. */
const sentence = (what: string, todo: string): string => `${what.replace(/[.\s]+$/, "")}. ${todo}`

const tell = (exitCode: ExitCode, what: string, todo: string) => ({ exitCode, text: sentence(what, todo) })

const local = ExitCode.local

/** The option that sets a field of the request. */
const optionOf: Readonly<Record<string, string>> = {
  purpose: "--purpose",
  filename: "--name",
  mime_type: "--mime-type",
  "expires_after.seconds": "--expires-after",
  expires_after: "--expires-after",
  bytes: "--bytes",
  md5: "--md5",
  partSize: "--part-size",
  concurrency: "--concurrency",
  apiUrl: "OPENAI_BASE_URL",
  apiKey: "OPENAI_API_KEY",
  organizationId: "OPENAI_ORG_ID",
  projectId: "OPENAI_PROJECT_ID"
}

const again = "Run the same command again"

const checkKey = "Set OPENAI_API_KEY to a valid key; `uploads doctor` checks it"

const describeTagged: (error: Exclude<AnyError, ConfigError.ConfigError | ValidationError.ValidationError>) => {
  readonly exitCode: ExitCode
  readonly text: string | undefined
} = Match.type<Exclude<AnyError, ConfigError.ConfigError | ValidationError.ValidationError>>().pipe(
  Match.tagsExhaustive({
    // The source
    SourceEmpty: (error) => tell(ExitCode.usage, error.message, "Name a file that has content."),
    SourceTooLarge: (error) => tell(ExitCode.usage, error.message, "Split the file."),
    SourceNotFound: (error) => tell(local, error.message, "Check the path."),
    SourceNotAFile: (error) =>
      tell(local, error.message, error.type === "Directory" ? `Name its files: '${error.name}/*'.` : "Name a file."),
    SourceUnreadable: (error) => tell(local, error.message, "Check that it is there, its permissions, and the disk."),
    SourceChanged: (error) => tell(local, error.message, `${again} when nothing writes to the file.`),
    SourceLengthMismatch: (error) => tell(local, error.message, again + "."),
    PartUnreadable: (error) => tell(local, error.message, "Check the file and the disk."),
    PartLengthMismatch: (error) => tell(local, error.message, `${again} when nothing writes to the file.`),
    JournalFailed: (error) =>
      tell(
        local,
        error.message,
        "Free some space in the state folder, or run it with --no-resume, which needs no journal."
      ),

    TransferInProgress: (error) =>
      tell(local, error.message, "Wait until it ends; `uploads pending` shows how far it is."),

    // The request
    InvalidRequest: (error) => {
      const option = error.field === undefined ? undefined : optionOf[error.field]
      const todo = option === undefined ? "Change the request." : `Change ${option}.`
      const exitCode = error.field === "apiKey"
        ? ExitCode.notAuthorised
        : error.response === undefined
        ? ExitCode.usage
        : ExitCode.rejected
      return tell(exitCode, error.message, todo)
    },
    UploadNotFound: (error) =>
      tell(ExitCode.rejected, error.message, "Check the id, and that the key is of the Upload's project."),
    UploadAlreadyCompleted: (error) =>
      tell(
        ExitCode.rejected,
        error.message,
        error.fileId === undefined ? "Look for its File with `uploads files list`." : `Use the File ${error.fileId}.`
      ),
    UploadAlreadyCancelled: (error) => tell(ExitCode.rejected, error.message, "Create a new Upload."),
    UploadExpired: (error) => tell(ExitCode.rejected, error.message, "Create a new Upload, and send it faster."),
    PartTooLarge: (error) => tell(ExitCode.rejected, error.message, "Send smaller parts, with --part-size or --bytes."),
    UploadSizeExceeded: (error) =>
      tell(ExitCode.rejected, error.message, "Create the Upload with the true number of --bytes."),
    PartNotFound: (error) => tell(ExitCode.rejected, error.message, "List the ids that `uploads add-part` printed."),
    BytesMismatch: (error) => tell(ExitCode.rejected, error.message, "Add or list the missing parts."),
    ChecksumMismatch: (error) =>
      tell(ExitCode.rejected, error.message, "Check the order of the parts, and send the file again."),
    FileNotFound: (error) =>
      tell(ExitCode.rejected, error.message, "List the Files of this project with `uploads files list`."),

    // The service
    Unauthenticated: (error) => tell(ExitCode.notAuthorised, error.message, checkKey + "."),
    PermissionDenied: (error) =>
      tell(ExitCode.notAuthorised, error.message, "Grant the key write access to Files, or use another key."),
    QuotaExceeded: (error) =>
      tell(ExitCode.notAuthorised, error.message, "Raise the limit of the account; waiting does not help."),
    RateLimited: (error) => tell(ExitCode.network, error.message, `${again} later, or with a lower --concurrency.`),
    ServiceUnavailable: (error) => tell(ExitCode.network, error.message, again + " later."),
    RequestTimeout: (error) => tell(ExitCode.network, error.message, `${again}; \`uploads doctor\` checks the way.`),
    TransportFailed: (error) =>
      tell(ExitCode.network, error.message, "Check OPENAI_BASE_URL and the network; `uploads doctor` does both."),
    ResponseMalformed: (error) =>
      tell(ExitCode.network, error.message, "Check OPENAI_BASE_URL: it ends with the version, such as /v1."),
    TransferStalled: (error) => tell(ExitCode.network, error.message, `${again}, perhaps with a lower --concurrency.`),

    // What is left
    TransferSuspended: (error) => {
      const { text } = describeTagged(error.failure)
      return tell(
        ExitCode.leftPending,
        text ?? error.failure.message,
        `What was sent is kept until ${formatMoment(error.expiresAt)}: run the same command again to resume, or ` +
          `\`uploads cleanup ${error.uploadId}\` to cancel.`
      )
    },
    UploadLeftPending: (error) =>
      tell(
        ExitCode.leftPending,
        error.message,
        `Cancel it with \`uploads cancel ${error.uploadId}\`; it expires by itself.`
      ),

    // The command
    UsageError: ({ advice, problem }) => tell(ExitCode.usage, problem, advice),
    ApiKeyMissing: ({ configFile }) =>
      tell(
        ExitCode.notAuthorised,
        "There is no API key",
        `Set OPENAI_API_KEY, or write OPENAI_API_KEY=… to ${configFile}.`
      ),
    ConfigFileUnreadable: ({ path, reason }) =>
      tell(
        ExitCode.usage,
        `The config file ${path} cannot be read: ${reason}`,
        "Correct its permissions, or remove it."
      ),
    LocalFileFailed: ({ doing, path, reason }) =>
      tell(
        local,
        `${path} cannot be ${doing === "read" ? "read" : "written"}: ${reason}`,
        "Check its permissions and the space on the disk."
      ),
    ServiceUnreachable: ({ reason, url }) =>
      tell(
        ExitCode.network,
        `${url} cannot be reached: ${reason}`,
        "Check OPENAI_BASE_URL, the network and the proxy."
      ),
    TargetExists: ({ path }) =>
      tell(ExitCode.usage, `${path} exists already`, "Name another file with --output, or replace it with --force."),
    DownloadMismatch: ({ actual, expected, path, what }) =>
      tell(
        local,
        what === "bytes"
          ? `${path} has ${actual} bytes, and the File has ${expected}`
          : `${path} has the md5 ${actual}, not ${expected}`,
        "Remove it and get the File again."
      ),
    FileNotProcessed: ({ file }) =>
      tell(
        ExitCode.rejected,
        `The service could not process the File ${file.id}${
          Option.match(file.statusDetails, { onNone: () => "", onSome: (details) => `: ${details}` })
        }`,
        `Correct the content, delete the File with \`uploads files delete ${file.id}\`, and send it again.`
      ),
    UploadNotInJournal: ({ uploadId }) =>
      tell(
        ExitCode.usage,
        `No journal knows the Upload ${uploadId}`,
        `\`uploads pending\` lists those that are known; \`uploads cancel ${uploadId}\` cancels any.`
      ),
    ServerNotInstalled: () =>
      tell(
        ExitCode.usage,
        "The package @effect-uploads/server is not installed",
        "Install it beside this one: npm install @effect-uploads/server."
      ),
    ServerEnded: ({ code }) =>
      tell(local, code === null ? "The server was killed" : `The server ended with code ${code}`, "Its log says why."),
    AlreadyReported: ({ exitCode }) => ({ exitCode, text: undefined })
  })
)

const ofConfig = (error: ConfigError.ConfigError): string =>
  error._op === "And" || error._op === "Or"
    ? `${ofConfig(error.left)}; ${ofConfig(error.right)}`
    : `${error.path.join(".")}: ${error.message}`

/** What the service said, also where the error is that of a transfer that was suspended. */
const responseOf = (error: object): ErrorResponse | undefined => {
  if ("failure" in error && error.failure instanceof Error) return responseOf(error.failure)
  return "response" in error && error.response instanceof ErrorResponse ? error.response : undefined
}

/** One sentence, or two, for the person at the terminal, and the exit code for the script. */
export const describeError = (error: AnyError): Description => {
  // The parser of the command line prints its own errors.
  if (ValidationError.isValidationError(error)) {
    return { sentence: Option.none(), exitCode: ExitCode.usage, name: "UsageError", requestId: Option.none() }
  }
  if (ConfigError.isConfigError(error)) {
    return {
      sentence: Option.some(`The configuration is wrong: ${ofConfig(error)}.`),
      exitCode: ExitCode.usage,
      name: "ConfigError",
      requestId: Option.none()
    }
  }
  const { exitCode, text } = describeTagged(error)
  return {
    sentence: Option.map(Option.fromNullable(text), printable),
    exitCode,
    name: error._tag,
    requestId: Option.fromNullable(responseOf(error)?.requestId)
  }
}
