import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import type { FileNotFound } from "@effect-uploads/domain/FileError"
import type * as TransferError from "@effect-uploads/transfer/TransferError"
import * as ValidationError from "@effect/cli/ValidationError"
import * as ConfigError from "effect/ConfigError"
import * as Match from "effect/Match"
import * as Option from "effect/Option"
import type { CliError } from "./CliError.js"
import { ExitCode } from "./ExitCode.js"
import { formatDateTime } from "./format.js"
import { printable } from "./Output.js"

/** The errors of all commands. */
export type AnyError =
  | TransferError.TransferError
  | FileNotFound
  | CliError
  | ConfigError.ConfigError
  | ValidationError.ValidationError

export interface Description {
  /** The problem and the advice. None if they were printed before. */
  readonly sentence: Option.Option<string>
  readonly exitCode: ExitCode
  /** The name of the error, for scripts. */
  readonly name: string
  readonly requestId: Option.Option<string>
}

/** Joins the problem and the advice. The message of an error has no full stop. */
const describe = (exitCode: ExitCode, problem: string, advice: string) => ({
  exitCode,
  text: `${problem.replace(/[.\s]+$/, "")}. ${advice}`
})

/** The option or variable that sets a field of the request or of the configuration. */
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
    SourceEmpty: (error) => describe(ExitCode.usage, error.message, "Name a file that has content."),
    SourceTooLarge: (error) => describe(ExitCode.usage, error.message, "Split the file."),
    SourceNotFound: (error) => describe(ExitCode.local, error.message, "Check the path."),
    SourceNotAFile: (error) =>
      describe(
        ExitCode.local,
        error.message,
        error.type === "Directory" ? `Name its files: '${error.name}/*'.` : "Name a file."
      ),
    SourceUnreadable: (error) =>
      describe(ExitCode.local, error.message, "Check that it is there, its permissions, and the disk."),
    SourceChanged: (error) => describe(ExitCode.local, error.message, `${again} when nothing writes to the file.`),
    SourceLengthMismatch: (error) => describe(ExitCode.local, error.message, `${again}.`),
    PartUnreadable: (error) => describe(ExitCode.local, error.message, "Check the file and the disk."),
    PartLengthMismatch: (error) => describe(ExitCode.local, error.message, `${again} when nothing writes to the file.`),
    JournalFailed: (error) =>
      describe(
        ExitCode.local,
        error.message,
        "Free some space in the state folder, or run it with --no-resume, which needs no journal."
      ),

    TransferInProgress: (error) =>
      describe(ExitCode.local, error.message, "Wait until it ends; `uploads pending` shows how far it is."),

    // The request
    InvalidRequest: (error) => {
      const option = error.field === undefined ? undefined : optionOf[error.field]
      const advice = option === undefined ? "Change the request." : `Change ${option}.`
      const exitCode = error.field === "apiKey"
        ? ExitCode.notAuthorised
        : error.response === undefined
        ? ExitCode.usage
        : ExitCode.rejected
      return describe(exitCode, error.message, advice)
    },
    UploadNotFound: (error) =>
      describe(ExitCode.rejected, error.message, "Check the id, and that the key is of the Upload's project."),
    UploadAlreadyCompleted: (error) =>
      describe(
        ExitCode.rejected,
        error.message,
        error.fileId === undefined ? "Look for its File with `uploads files list`." : `Use the File ${error.fileId}.`
      ),
    UploadAlreadyCancelled: (error) => describe(ExitCode.rejected, error.message, "Create a new Upload."),
    UploadExpired: (error) => describe(ExitCode.rejected, error.message, "Create a new Upload, and send it faster."),
    PartTooLarge: (error) =>
      describe(ExitCode.rejected, error.message, "Send smaller parts, with --part-size or --bytes."),
    UploadSizeExceeded: (error) =>
      describe(ExitCode.rejected, error.message, "Create the Upload with the true number of --bytes."),
    PartNotFound: (error) =>
      describe(ExitCode.rejected, error.message, "List the ids that `uploads add-part` printed."),
    BytesMismatch: (error) => describe(ExitCode.rejected, error.message, "Add or list the missing parts."),
    ChecksumMismatch: (error) =>
      describe(ExitCode.rejected, error.message, "Check the order of the parts, and send the file again."),
    FileNotFound: (error) =>
      describe(ExitCode.rejected, error.message, "List the Files of this project with `uploads files list`."),

    // The service
    Unauthenticated: (error) => describe(ExitCode.notAuthorised, error.message, `${checkKey}.`),
    PermissionDenied: (error) =>
      describe(ExitCode.notAuthorised, error.message, "Grant the key write access to Files, or use another key."),
    QuotaExceeded: (error) =>
      describe(ExitCode.notAuthorised, error.message, "Raise the limit of the account; waiting does not help."),
    RateLimited: (error) => describe(ExitCode.network, error.message, `${again} later, or with a lower --concurrency.`),
    ServiceUnavailable: (error) => describe(ExitCode.network, error.message, `${again} later.`),
    RequestTimeout: (error) =>
      describe(ExitCode.network, error.message, `${again}; \`uploads doctor\` checks the way.`),
    TransportFailed: (error) =>
      describe(ExitCode.network, error.message, "Check OPENAI_BASE_URL and the network; `uploads doctor` does both."),
    ResponseMalformed: (error) =>
      describe(ExitCode.network, error.message, "Check OPENAI_BASE_URL: it ends with the version, such as /v1."),
    TransferStalled: (error) =>
      describe(ExitCode.network, error.message, `${again}, perhaps with a lower --concurrency.`),

    // An Upload is left pending
    TransferSuspended: (error) => {
      const { text } = describeTagged(error.failure)
      return describe(
        ExitCode.leftPending,
        text ?? error.failure.message,
        `What was sent is kept until ${formatDateTime(error.expiresAt)}: run the same command again to resume, or ` +
          `\`uploads cleanup ${error.uploadId}\` to cancel.`
      )
    },
    UploadLeftPending: (error) =>
      describe(
        ExitCode.leftPending,
        error.message,
        `Cancel it with \`uploads cancel ${error.uploadId}\`; it expires by itself.`
      ),

    // The command
    UsageError: ({ advice, problem }) => describe(ExitCode.usage, problem, advice),
    ApiKeyMissing: ({ configFile }) =>
      describe(
        ExitCode.notAuthorised,
        "There is no API key",
        `Set OPENAI_API_KEY, or write OPENAI_API_KEY=… to ${configFile}.`
      ),
    ConfigFileUnreadable: ({ path, reason }) =>
      describe(
        ExitCode.usage,
        `The config file ${path} cannot be read: ${reason}`,
        "Correct its permissions, or remove it."
      ),
    LocalFileFailed: ({ doing, path, reason }) =>
      describe(
        ExitCode.local,
        `${path} cannot be ${doing === "read" ? "read" : "written"}: ${reason}`,
        "Check its permissions and the space on the disk."
      ),
    ServiceUnreachable: ({ reason, url }) =>
      describe(
        ExitCode.network,
        `${url} cannot be reached: ${reason}`,
        "Check OPENAI_BASE_URL, the network and the proxy."
      ),
    TargetExists: ({ path }) =>
      describe(
        ExitCode.usage,
        `${path} exists already`,
        "Name another file with --output, or replace it with --force."
      ),
    DownloadMismatch: ({ actual, expected, path, property }) =>
      describe(
        ExitCode.local,
        property === "bytes"
          ? `${path} has ${actual} bytes, and the File has ${expected}`
          : `${path} has the md5 ${actual}, not ${expected}`,
        "Remove it and get the File again."
      ),
    FileNotProcessed: ({ file }) =>
      describe(
        ExitCode.rejected,
        `The service could not process the File ${file.id}${
          Option.match(file.statusDetails, { onNone: () => "", onSome: (details) => `: ${details}` })
        }`,
        `Correct the content, delete the File with \`uploads files delete ${file.id}\`, and send it again.`
      ),
    UploadNotInJournal: ({ uploadId }) =>
      describe(
        ExitCode.usage,
        `No journal knows the Upload ${uploadId}`,
        `\`uploads pending\` lists those that are known; \`uploads cancel ${uploadId}\` cancels any.`
      ),
    ServerNotInstalled: () =>
      describe(
        ExitCode.usage,
        "The package @effect-uploads/server is not installed",
        "Install it beside this one: npm install @effect-uploads/server."
      ),
    ServerEnded: ({ code }) =>
      describe(
        ExitCode.local,
        code === null ? "The server was killed" : `The server ended with code ${code}`,
        "Its log says why."
      ),
    AlreadyReported: ({ exitCode }) => ({ exitCode, text: undefined })
  })
)

const describeConfigError = (error: ConfigError.ConfigError): string =>
  error._op === "And" || error._op === "Or"
    ? `${describeConfigError(error.left)}; ${describeConfigError(error.right)}`
    : `${error.path.join(".")}: ${error.message}`

/** The error response of the service. That of a suspended transfer is in its `failure`. */
const responseOf = (error: object): ErrorResponse | undefined => {
  if ("failure" in error && error.failure instanceof Error) return responseOf(error.failure)
  return "response" in error && error.response instanceof ErrorResponse ? error.response : undefined
}

/** Describes an error in one or two sentences for a person, with an exit code for a script. */
export const describeError = (error: AnyError): Description => {
  // The parser of the command line prints its own errors.
  if (ValidationError.isValidationError(error)) {
    return { sentence: Option.none(), exitCode: ExitCode.usage, name: "UsageError", requestId: Option.none() }
  }
  if (ConfigError.isConfigError(error)) {
    return {
      sentence: Option.some(`The configuration is wrong: ${describeConfigError(error)}.`),
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
