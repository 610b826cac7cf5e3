import * as UploadError from "@effect-uploads/domain/UploadError"
import * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import { describe, expect, test } from "tstyche"

describe("UploadError", () => {
  test("is the union of one error for each reason", () => {
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

  test("UploadNotPending is the union of three errors", () => {
    expect<UploadError.UploadNotPending>().type.toBe<
      UploadError.UploadAlreadyCompleted | UploadError.UploadAlreadyCancelled | UploadError.UploadExpired
    >()
  })

  test("catchTag removes one error from the type", () => {
    const effect: Effect.Effect<never, UploadError.UploadNotPending> = Effect.never
    expect(Effect.catchTag(effect, "UploadExpired", () => Effect.void)).type.toBe<
      Effect.Effect<void, UploadError.UploadAlreadyCompleted | UploadError.UploadAlreadyCancelled>
    >()
  })

  test("isUploadError narrows unknown", () => {
    expect(UploadError.isUploadError).type.toBe<(u: unknown) => u is UploadError.UploadError>()
  })

  test("fromParseError returns InvalidRequest", () => {
    expect(UploadError.fromParseError).type.toBe<(error: ParseResult.ParseError) => UploadError.InvalidRequest>()
  })
})
