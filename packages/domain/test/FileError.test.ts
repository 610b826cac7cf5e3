import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { FileNotFound, isFileNotFound } from "@effect-uploads/domain/FileError"
import { FileId } from "@effect-uploads/domain/Ids"
import { isUploadError } from "@effect-uploads/domain/UploadError"
import { describe, expect, it } from "@effect/vitest"

const fileId = FileId.make("file-abc123")

describe("FileNotFound", () => {
  it("names the File, and what the service said", () => {
    expect(new FileNotFound({ fileId }).message).toBe("File file-abc123 was not found")
    expect(new FileNotFound({ fileId, response: new ErrorResponse({ status: 404, message: "Gone" }) }).message).toBe(
      "File file-abc123 was not found (status 404: Gone)"
    )
  })

  it("is recognized by its own guard alone", () => {
    const error = new FileNotFound({ fileId })
    expect(isFileNotFound(error)).toBe(true)
    expect(isUploadError(error)).toBe(false)
    expect(isFileNotFound({ _tag: "FileNotFound", fileId })).toBe(false)
  })
})
