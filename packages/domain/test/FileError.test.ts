import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { FileNotFound, isFileNotFound } from "@effect-uploads/domain/FileError"
import { FileId } from "@effect-uploads/domain/Ids"
import { isUploadError } from "@effect-uploads/domain/UploadError"
import { describe, expect, it } from "@effect/vitest"

const fileId = FileId.make("file-abc123")

describe("FileNotFound", () => {
  it("has a message with the File id and the message of the service", () => {
    expect(new FileNotFound({ fileId }).message).toBe("File file-abc123 was not found")
    expect(new FileNotFound({ fileId, response: new ErrorResponse({ status: 404, message: "No such File" }) }).message)
      .toBe(
        "File file-abc123 was not found (status 404: No such File)"
      )
  })

  it("is accepted by `isFileNotFound` and by no other guard", () => {
    const error = new FileNotFound({ fileId })
    expect(isFileNotFound(error)).toBe(true)
    expect(isUploadError(error)).toBe(false)
    expect(isFileNotFound({ _tag: "FileNotFound", fileId })).toBe(false)
  })
})
