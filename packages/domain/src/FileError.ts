/**
 * The error of an operation on a File.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ErrorResponse, formatMessage } from "./ErrorResponse.js"
import { FileId } from "./Ids.js"

/**
 * The File does not exist: it was never created, it was deleted, it expired, or it belongs to another project.
 *
 * @since 0.1.0
 * @category errors
 */
export class FileNotFound extends Schema.TaggedError<FileNotFound>("@effect-uploads/domain/FileNotFound")(
  "FileNotFound",
  { fileId: FileId, response: Schema.optionalWith(ErrorResponse, { exact: true }) },
  { identifier: "FileNotFound" }
) {
  override get message(): string {
    return formatMessage(`File ${this.fileId} was not found`, this.response)
  }
}

/**
 * @since 0.1.0
 * @category guards
 */
export const isFileNotFound = (u: unknown): u is FileNotFound => Schema.is(FileNotFound)(u)
