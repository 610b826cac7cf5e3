import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as fixtures from "./fixtures.js"
import { faults, toWire } from "./support.js"

addEqualityTesters()

const decode = Schema.decodeUnknownSync(CreateUpload.CreateUpload)
const faultsOf = faults(CreateUpload.CreateUpload)

const request: CreateUpload.CreateUpload = {
  filename: "training_examples.jsonl",
  purpose: "fine-tune",
  bytes: 2147483648,
  mimeType: "text/jsonl",
  expiresAfter: Duration.hours(1)
}

const validate = (change: Partial<CreateUpload.CreateUpload>, limits = UploadLimits.documented) =>
  CreateUpload.validate({ ...request, ...change }, limits)

/** The field and limit of the error for a changed request. Undefined if the request is valid. */
const rejection = (change: Partial<CreateUpload.CreateUpload>, limits = UploadLimits.documented) =>
  Either.match(validate(change, limits), {
    onLeft: (error) => ({ field: error.field, limit: error.limit }),
    onRight: () => undefined
  })

describe("CreateUpload", () => {
  it("decodes the documented request and encodes it unchanged", () => {
    const wire = fixtures.parse(fixtures.createRequest)
    expect(decode(wire)).toEqual(request)
    expect(toWire(CreateUpload.CreateUpload)(decode(wire))).toEqual(wire)
  })

  it("encodes no key for an `expiresAfter` that is undefined", () => {
    const encode = Schema.encodeSync(CreateUpload.CreateUpload)
    const { expiresAfter: _, ...rest } = request
    expect(Object.keys(encode({ ...rest, expiresAfter: undefined }))).not.toContain("expires_after")
    expect(encode({ ...rest, expiresAfter: undefined })).toStrictEqual(encode(rest))
  })

  it.each([
    ["filename", { filename: "" }],
    ["purpose", { purpose: "" }],
    ["bytes", { bytes: -1 }],
    ["mime_type", { mime_type: "text" }],
    ["expires_after.seconds", { expires_after: { anchor: "created_at", seconds: 3599 } }],
    ["expires_after.anchor", { expires_after: { anchor: "never", seconds: 3600 } }]
  ])("rejects an invalid `%s` on the wire", (path, change) => {
    const wire = Schema.encodeSync(CreateUpload.CreateUpload)(request)
    expect(faultsOf(wire)).toEqual([])
    expect(faultsOf({ ...wire, ...change })).toEqual([path])
  })

  describe("validate", () => {
    it("returns a valid request unchanged", () => {
      expect(validate({})).toEqual(Either.right(request))
      expect(validate({ expiresAfter: undefined })).toEqual(Either.right({ ...request, expiresAfter: undefined }))
      expect(validate({ bytes: 0 })).toEqual(Either.right({ ...request, bytes: 0 }))
    })

    it("accepts an unknown purpose with any MIME type", () => {
      expect(rejection({ purpose: "telepathy", mimeType: "application/x-thought" })).toBeUndefined()
    })

    it("rejects an empty filename", () => {
      expect(rejection({ filename: "" })).toEqual({
        field: "filename",
        limit: "a filename of 1 to 255 characters without control characters"
      })
    })

    it("rejects an empty purpose", () => {
      expect(rejection({ purpose: "" })).toEqual({
        field: "purpose",
        limit: "a purpose of 1 to 64 characters without control characters"
      })
    })

    it("accepts texts of the maximum length and rejects one more character", () => {
      expect(rejection({ filename: "f".repeat(255) })).toBeUndefined()
      expect(rejection({ filename: "😀".repeat(255) })).toBeUndefined()
      expect(rejection({ filename: "f".repeat(256) })).toMatchObject({ field: "filename" })
      expect(rejection({ filename: "😀".repeat(256) })).toMatchObject({ field: "filename" })
      expect(rejection({ purpose: "p".repeat(64) })).toBeUndefined()
      expect(rejection({ purpose: "p".repeat(65) })).toMatchObject({ field: "purpose" })
      expect(rejection({ mimeType: `${"a".repeat(127)}/${"b".repeat(127)}` })).toBeUndefined()
      expect(rejection({ mimeType: `a/${"b".repeat(128)}` })).toMatchObject({ field: "mime_type" })
      expect(rejection({ mimeType: `a/b; c=${"d".repeat(255)}` })).toMatchObject({ field: "mime_type" })
    })

    it.each(["a\u0000b", "\n", "\u007f", "\u0085", "\ud800", "\udc00a"])("rejects the text %j", (text) => {
      expect(rejection({ filename: text })).toMatchObject({ field: "filename" })
      expect(rejection({ purpose: text })).toMatchObject({ field: "purpose" })
    })

    it("names a filename of megabytes with its beginning only", () => {
      const error = Either.flip(validate({ filename: "😀".repeat(2_000_000) }))
      const message = Either.getOrThrow(error).message
      expect(message.length).toBeLessThan(250)
      expect(message).toMatch(/^Invalid `filename`: got "😀+…; it must be a filename of 1 to 255 characters/u)
      expect(message).not.toMatch(/\p{Surrogate}/u)
    })

    it.each([-1, 0.5, NaN, Infinity, 2 ** 53])("rejects %d bytes", (bytes) => {
      expect(rejection({ bytes })).toEqual({ field: "bytes", limit: "a number of bytes from 0 to 2^53 - 1" })
    })

    it("accepts exactly as many bytes as the limit and rejects one more", () => {
      expect(rejection({ bytes: 8 * 1024 ** 3 })).toBeUndefined()
      expect(validate({ bytes: 8 * 1024 ** 3 + 1 })).toEqual(
        Either.left(
          new InvalidRequest({
            field: "bytes",
            problem: "8589934593 bytes are more than an Upload can hold",
            limit: "at most 8589934592 bytes"
          })
        )
      )
    })

    it("applies the limits of its argument", () => {
      const limits = { ...UploadLimits.documented, uploadBytes: ByteSize.make(1024) }
      expect(rejection({ bytes: 1024 }, limits)).toBeUndefined()
      expect(rejection({ bytes: 1025 }, limits)).toEqual({ field: "bytes", limit: "at most 1024 bytes" })
    })

    it.each(["", "text", "text/plain\r\nx: y"])("rejects the MIME type %j", (mimeType) => {
      expect(rejection({ mimeType })).toEqual({
        field: "mime_type",
        limit: "a MIME type of the form type/subtype with at most 255 characters"
      })
    })

    it.each([
      Duration.seconds(3599),
      Duration.seconds(2592001),
      Duration.millis(3600500),
      Duration.infinity
    ])("rejects a File lifetime of %s", (expiresAfter) => {
      expect(rejection({ expiresAfter })).toEqual({
        field: "expires_after",
        limit: "a Duration of whole seconds from 3600 (1 hour) to 2592000 (30 days)"
      })
    })
  })
})
