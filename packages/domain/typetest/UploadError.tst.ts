import * as UploadError from "@effect-uploads/domain/UploadError"
import * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import { describe, expect, test } from "tstyche"

describe("UploadError", () => {
  test("is one error for each reason", () => {
    expect<UploadError.UploadError>().type.toBe<
      | UploadError.InvalidRequest
      | UploadError.UploadNotFound
      | UploadError.UploadAlreadyCompleted
      | UploadError.UploadAlreadyCancelled
      | UploadError.UploadExpired
      | UploadError.PartNotFound
      | UploadError.PartTooLarge
      | UploadError.UploadSizeExceeded
      | UploadError.BytesMismatch
      | UploadError.ChecksumMismatch
    >()
    expect<UploadError.UploadError["_tag"]>().type.toBe<
      | "InvalidRequest"
      | "UploadNotFound"
      | "UploadAlreadyCompleted"
      | "UploadAlreadyCancelled"
      | "UploadExpired"
      | "PartNotFound"
      | "PartTooLarge"
      | "UploadSizeExceeded"
      | "BytesMismatch"
      | "ChecksumMismatch"
    >()
  })

  test("an Upload that is not pending has three reasons", () => {
    expect<UploadError.UploadNotPending>().type.toBe<
      UploadError.UploadAlreadyCompleted | UploadError.UploadAlreadyCancelled | UploadError.UploadExpired
    >()
  })

  test("catching a tag takes one error away", () => {
    const effect: Effect.Effect<never, UploadError.UploadNotPending> = Effect.never
    expect(Effect.catchTag(effect, "UploadExpired", () => Effect.void)).type.toBe<
      Effect.Effect<void, UploadError.UploadAlreadyCompleted | UploadError.UploadAlreadyCancelled>
    >()
  })

  test("isUploadError narrows the unknown", () => {
    expect(UploadError.isUploadError).type.toBe<(u: unknown) => u is UploadError.UploadError>()
  })

  test("fromParseError gives InvalidRequest", () => {
    expect(UploadError.fromParseError).type.toBe<(error: ParseResult.ParseError) => UploadError.InvalidRequest>()
  })
})
