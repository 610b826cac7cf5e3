import type { FileObject } from "@effect-uploads/domain/FileObject"
import type { UploadId } from "@effect-uploads/domain/Ids"
import * as Data from "effect/Data"
import type { ExitCode } from "./ExitCode.js"

/** The arguments contradict each other, or one of them is invalid. */
export class UsageError extends Data.TaggedError("UsageError")<{
  readonly problem: string
  /** The correction. */
  readonly advice: string
}> {}

/** No API key is configured, and the service is not on this machine. */
export class ApiKeyMissing extends Data.TaggedError("ApiKeyMissing")<{
  /** The path of the config file, which may not exist. */
  readonly configFile: string
}> {}

/** The config file exists and cannot be read. */
export class ConfigFileUnreadable extends Data.TaggedError("ConfigFileUnreadable")<{
  readonly path: string
  readonly reason: string
}> {}

/** A path on this machine could not be read or written. */
export class LocalFileFailed extends Data.TaggedError("LocalFileFailed")<{
  readonly path: string
  readonly doing: "read" | "write"
  readonly reason: string
}> {}

/** No service responds at the base URL. */
export class ServiceUnreachable extends Data.TaggedError("ServiceUnreachable")<{
  readonly url: string
  readonly reason: string
}> {}

/** The target of a download exists already. */
export class TargetExists extends Data.TaggedError("TargetExists")<{ readonly path: string }> {}

/** The downloaded bytes have another size or md5 than expected. */
export class DownloadMismatch extends Data.TaggedError("DownloadMismatch")<{
  readonly path: string
  readonly property: "bytes" | "md5"
  readonly expected: string
  readonly actual: string
}> {}

/** The service has the File and could not process it. */
export class FileNotProcessed extends Data.TaggedError("FileNotProcessed")<{ readonly file: FileObject }> {}

/** An argument of `uploads cleanup` is an Upload that no journal has. */
export class UploadNotInJournal extends Data.TaggedError("UploadNotInJournal")<{ readonly uploadId: UploadId }> {}

/** `@effect-uploads/server` is not installed where the command looks for it. */
export class ServerNotInstalled extends Data.TaggedError("ServerNotInstalled") {}

/** The server ended by itself. Its log has the reason. */
export class ServerEnded extends Data.TaggedError("ServerEnded")<{ readonly code: number | null }> {}

/** All failures were reported when they happened. Only the exit code is left. */
export class AlreadyReported extends Data.TaggedError("AlreadyReported")<{ readonly exitCode: ExitCode }> {}

export type CliError =
  | UsageError
  | ApiKeyMissing
  | ConfigFileUnreadable
  | LocalFileFailed
  | ServiceUnreachable
  | TargetExists
  | DownloadMismatch
  | FileNotProcessed
  | UploadNotInJournal
  | ServerNotInstalled
  | ServerEnded
  | AlreadyReported
