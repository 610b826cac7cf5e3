import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import * as RequestText from "@effect-uploads/domain/RequestText"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"

addEqualityTesters()

describe("RequestText", () => {
  it("has the documented limits", () => {
    expect(RequestText.maximumFilenameLength).toBe(255)
    expect(RequestText.maximumMimeTypeLength).toBe(127 + 1 + 127)
    expect(RequestText.maximumPurposeLength).toBe(64)
    expect(RequestText.maximumIdLength).toBe(500)
  })

  it.each(["a", " ", "é", "\u202e", "😀", "../../etc/passwd", "\u2028"])("accepts the text %j", (text) => {
    expect(RequestText.isValid(text, 20)).toBe(true)
  })

  it.each(["", "\u0000", "a\tb", "\r\n", "\u007f", "\u009f", "\ud800", "\udfffa", "😀\ud83d"])(
    "rejects the text %j",
    (text) => {
      expect(RequestText.isValid(text, 20)).toBe(false)
    }
  )

  it.prop(
    "accepts a text exactly if it has at most the maximum number of characters",
    [FastCheck.string({ unit: "grapheme-ascii", maxLength: 20 }), FastCheck.nat(20), FastCheck.nat(20)],
    ([text, emojis, maximum]) => {
      const length = text.length + emojis
      expect(RequestText.isValid(`${text}${"😀".repeat(emojis)}`, maximum)).toBe(length > 0 && length <= maximum)
    }
  )

  it.prop(
    "accepts only texts that survive UTF-8",
    [FastCheck.string({ unit: "binary" }), FastCheck.integer({ min: 0, max: 0xffff })],
    ([text, unit]) => {
      const mixed = `${text}${String.fromCharCode(unit)}`
      const decoded = new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(mixed))
      if (RequestText.isValid(mixed, 1000)) expect(decoded).toBe(mixed)
      else expect(mixed).toMatch(/\p{Cc}|\p{Cs}/u)
    }
  )

  it("validateId returns a valid id and names the field of an invalid one", () => {
    const id = UploadId.make("upload_1")
    expect(RequestText.validateId("upload_id", id)).toEqual(Either.right(id))
    expect(RequestText.validateId("upload_id", "a".repeat(501))).toEqual(
      Either.left(
        new InvalidRequest({
          field: "upload_id",
          problem: `got "${"a".repeat(79)}…`,
          limit: "an id of 1 to 500 characters without control characters"
        })
      )
    )
  })

  it("limitId limits the ids of a schema and keeps its brand", () => {
    const decode = Schema.decodeUnknownEither(RequestText.limitId(FileId))
    expect(decode("f".repeat(500))).toEqual(Either.right(FileId.make("f".repeat(500))))
    for (const id of ["", "f".repeat(501), "\u0000"]) expect(Either.isLeft(decode(id))).toBe(true)
  })
})
