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

const validate = (spoil: Partial<CreateUpload.CreateUpload>, limits = UploadLimits.documented) =>
  CreateUpload.validate({ ...request, ...spoil }, limits)

/** What is said of a spoilt request; undefined when nothing is. */
const refusal = (spoil: Partial<CreateUpload.CreateUpload>, limits = UploadLimits.documented) =>
  Either.match(validate(spoil, limits), {
    onLeft: (error) => ({ field: error.field, limit: error.limit }),
    onRight: () => undefined
  })

describe("CreateUpload", () => {
  it("decodes the documented request, and writes it back", () => {
    const wire = fixtures.parse(fixtures.createRequest)
    expect(decode(wire)).toEqual(request)
    expect(toWire(CreateUpload.CreateUpload)(decode(wire))).toEqual(wire)
  })

  it("writes no key for an `expiresAfter` that is undefined", () => {
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
  ])("refuses a spoilt `%s` on the wire", (path, spoil) => {
    const wire = Schema.encodeSync(CreateUpload.CreateUpload)(request)
    expect(faultsOf(wire)).toEqual([])
    expect(faultsOf({ ...wire, ...spoil })).toEqual([path])
  })

  describe("validate", () => {
    it("gives the request back when nothing is wrong with it", () => {
      expect(validate({})).toEqual(Either.right(request))
      expect(validate({ expiresAfter: undefined })).toEqual(Either.right({ ...request, expiresAfter: undefined }))
      expect(validate({ bytes: 0 })).toEqual(Either.right({ ...request, bytes: 0 }))
    })

    it("takes a purpose that came later, and any type for it", () => {
      expect(refusal({ purpose: "telepathy", mimeType: "application/x-thought" })).toBeUndefined()
    })

    it("refuses an empty filename", () => {
      expect(refusal({ filename: "" })).toEqual({ field: "filename", limit: "a non empty string" })
    })

    it("refuses an empty purpose", () => {
      expect(refusal({ purpose: "" })).toMatchObject({ field: "purpose" })
    })

    it.each([-1, 0.5, NaN, Infinity, 2 ** 53])("refuses %d bytes", (bytes) => {
      expect(refusal({ bytes })).toEqual({ field: "bytes", limit: "a number of bytes from 0 to 2^53 - 1" })
    })

    it("refuses more bytes than an Upload may have, and takes just as many", () => {
      expect(refusal({ bytes: 8 * 1024 ** 3 })).toBeUndefined()
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

    it("goes by the limits that it is given", () => {
      const limits = { ...UploadLimits.documented, uploadBytes: ByteSize.make(1024) }
      expect(refusal({ bytes: 1024 }, limits)).toBeUndefined()
      expect(refusal({ bytes: 1025 }, limits)).toEqual({ field: "bytes", limit: "at most 1024 bytes" })
    })

    it.each(["", "text", "text/plain\r\nx: y"])("refuses the type %j", (mimeType) => {
      expect(refusal({ mimeType })).toEqual({
        field: "mime_type",
        limit: "a MIME type of the form type/subtype"
      })
    })

    it.each([
      Duration.seconds(3599),
      Duration.seconds(2592001),
      Duration.millis(3600500),
      Duration.infinity
    ])("refuses to keep the File for %s", (expiresAfter) => {
      expect(refusal({ expiresAfter })).toEqual({
        field: "expires_after",
        limit: "a Duration of whole seconds from 3600 (1 hour) to 2592000 (30 days)"
      })
    })
  })
})
