/**
 * Why an operation on a File is refused.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ErrorResponse, explain } from "./ErrorResponse.js"
import { FileId } from "./Ids.js"

/**
 * No such File: never created, deleted, expired, or another project's.
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
    return explain(`File ${this.fileId} was not found`, this.response)
  }
}

/**
 * @since 0.1.0
 * @category guards
 */
export const isFileNotFound = (u: unknown): u is FileNotFound => Schema.is(FileNotFound)(u)
