import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import { ErrorResponse, formatMessage } from "@effect-uploads/domain/ErrorResponse"
import { FileNotFound } from "@effect-uploads/domain/FileError"
import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import { Timestamp } from "@effect-uploads/domain/Timestamp"
import { Upload } from "@effect-uploads/domain/Upload"
import * as UploadError from "@effect-uploads/domain/UploadError"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as fixtures from "./fixtures.js"
import { toWire } from "./support.js"

addEqualityTesters()

const decode = Schema.decodeUnknownSync(UploadError.UploadError)

const uploadId = UploadId.make("upload_abc123")
const partId = PartId.make("part_def456")
const fileId = FileId.make("file-xyz321")
const md5 = "d41d8cd98f00b204e9800998ecf8427e"
const otherMd5 = "e4d909c290d0fb1ca068ffaddf22cbd0"
const bytes = (size: number) => ByteSize.make(size)

describe("UploadError", () => {
  it("has a unique tag for each error, FileNotFound included", () => {
    const tags = [...UploadError.UploadError.members, FileNotFound].map(({ _tag }) => _tag)
    expect(new Set(tags).size).toBe(tags.length)
    expect(tags).toEqual([
      "InvalidRequest",
      "UploadNotFound",
      "UploadAlreadyCompleted",
      "UploadAlreadyCancelled",
      "UploadExpired",
      "PartNotFound",
      "PartTooLarge",
      "UploadSizeExceeded",
      "BytesMismatch",
      "ChecksumMismatch",
      "FileNotFound"
    ])
  })

  it("is the union of every error class of the module", () => {
    const exported = Object.values(UploadError).filter((value) =>
      Schema.isSchema(value) && value !== UploadError.UploadError
    )
    expect(exported.length).toBe(UploadError.UploadError.members.length)
    expect(new Set<unknown>(UploadError.UploadError.members)).toEqual(new Set<unknown>(exported))
  })

  it.prop(
    "decodes to an equal error with the same hash, class and message",
    [UploadError.UploadError],
    ([error]) => {
      const back = decode(toWire(UploadError.UploadError)(error))
      expect(back).not.toBe(error)
      expect(Equal.equals(back, error)).toBe(true)
      expect(Hash.hash(back)).toBe(Hash.hash(error))
      expect(back).toBeInstanceOf(Error)
      expect(back.name).toBe(error._tag)
      expect(back.message).toBe(error.message)
    }
  )

  it("is not equal to an error with another tag or another field", () => {
    const other = UploadId.make("upload_def456")
    const errors: ReadonlyArray<UploadError.UploadError> = [uploadId, other].flatMap((uploadId) => [
      new UploadError.UploadNotFound({ uploadId }),
      new UploadError.UploadAlreadyCompleted({ uploadId }),
      new UploadError.UploadAlreadyCompleted({ uploadId, fileId }),
      new UploadError.UploadAlreadyCancelled({ uploadId }),
      new UploadError.UploadExpired({ uploadId })
    ])
    for (const a of errors) {
      for (const b of errors) expect(Equal.equals(a, b)).toBe(a === b)
    }
  })

  it.effect("is caught by its own tag and by no other", () =>
    Effect.gen(function*() {
      const fail = (error: UploadError.UploadError) => Effect.fail(error)
      const caught = yield* fail(new UploadError.PartNotFound({ uploadId, partId })).pipe(
        Effect.catchTag("PartNotFound", ({ partId }) => Effect.succeed(partId))
      )
      expect(caught).toBe(partId)
      const passed = yield* fail(new UploadError.UploadNotFound({ uploadId })).pipe(
        Effect.catchTag("PartNotFound", ({ partId }) => Effect.succeed(partId)),
        Effect.flip
      )
      expect(passed).toEqual(new UploadError.UploadNotFound({ uploadId }))
    }))

  it.prop("is accepted by `isUploadError`, unlike its encoded form", [UploadError.UploadError], ([error]) => {
    expect(UploadError.isUploadError(error)).toBe(true)
    expect(UploadError.isUploadError(toWire(UploadError.UploadError)(error))).toBe(false)
  })

  it.each([undefined, null, "UploadNotFound", new Error("UploadNotFound"), new FileNotFound({ fileId })])(
    "`isUploadError` rejects %s",
    (u) => {
      expect(UploadError.isUploadError(u)).toBe(false)
    }
  )

  describe("messages", () => {
    const messages: ReadonlyArray<readonly [UploadError.UploadError, string]> = [
      [new UploadError.InvalidRequest({ problem: "no" }), "Invalid request: no"],
      [
        new UploadError.InvalidRequest({ field: "bytes", problem: "got -1", limit: "0 or more" }),
        "Invalid `bytes`: got -1; it must be 0 or more"
      ],
      [new UploadError.UploadNotFound({ uploadId }), "Upload upload_abc123 was not found"],
      [new UploadError.UploadAlreadyCompleted({ uploadId }), "Upload upload_abc123 is already completed"],
      [
        new UploadError.UploadAlreadyCompleted({ uploadId, fileId }),
        "Upload upload_abc123 is already completed as File file-xyz321"
      ],
      [new UploadError.UploadAlreadyCancelled({ uploadId }), "Upload upload_abc123 is already cancelled"],
      [new UploadError.UploadExpired({ uploadId }), "Upload upload_abc123 expired"],
      [
        new UploadError.UploadExpired({ uploadId, expiredAt: Schema.decodeSync(Timestamp)(1719127296) }),
        "Upload upload_abc123 expired at 2024-06-23T07:21:36.000Z"
      ],
      [new UploadError.PartNotFound({ uploadId }), "Part (not named) was not found in Upload upload_abc123"],
      [new UploadError.PartNotFound({ uploadId, partId }), "Part part_def456 was not found in Upload upload_abc123"],
      [new UploadError.PartTooLarge({ uploadId }), "A part is too large for Upload upload_abc123"],
      [
        new UploadError.PartTooLarge({ uploadId, bytes: bytes(9), limit: bytes(8) }),
        "A part of 9 bytes is too large for Upload upload_abc123; the limit is 8 bytes"
      ],
      [new UploadError.UploadSizeExceeded({ uploadId }), "The part exceeds the size of Upload upload_abc123"],
      [
        new UploadError.UploadSizeExceeded({ uploadId, declared: bytes(8), limit: bytes(16), received: bytes(17) }),
        "The part exceeds the size of Upload upload_abc123: it declared 8 bytes, may receive 16, and would have received 17"
      ],
      [new UploadError.BytesMismatch({ uploadId }), "The parts of Upload upload_abc123 do not add up"],
      [
        new UploadError.BytesMismatch({ uploadId, declared: bytes(8), received: bytes(0) }),
        "The parts of Upload upload_abc123 do not add up: it declared 8 bytes, the listed parts have 0"
      ],
      [new UploadError.ChecksumMismatch({ uploadId }), "The md5 of Upload upload_abc123 does not match"],
      [
        new UploadError.ChecksumMismatch({ uploadId, expected: md5, actual: otherMd5 }),
        `The md5 of Upload upload_abc123 does not match: expected ${md5}, found ${otherMd5}`
      ]
    ]

    it.each(messages)("%s has its message", (error, message) => {
      expect(error.message).toBe(message)
    })

    it.prop("end with the message of the service", [UploadError.UploadError, ErrorResponse], ([error, response]) => {
      const encoded = Schema.encodeSync(UploadError.UploadError)(error)
      const withResponse = decode({ ...encoded, response: toWire(ErrorResponse)(response) })
      expect(withResponse.message).toBe(formatMessage(decode(Struct.omit(encoded, "response")).message, response))
    })
  })

  describe("fromParseError", () => {
    const messageOf = <A>(either: Either.Either<A, ParseResult.ParseError>) =>
      Either.match(either, {
        onLeft: (error) => UploadError.fromParseError(error).message,
        onRight: () => "valid"
      })

    const wire = { filename: "a.txt", purpose: "assistants", bytes: 1, mime_type: "text/plain" }
    const request = { filename: "a.txt", purpose: "assistants", bytes: 1, mimeType: "text/plain" }

    const decodeCreate = Schema.decodeUnknownEither(CreateUpload.CreateUpload)
    const validateCreate = Schema.validateEither(CreateUpload.CreateUpload)
    const decodeComplete = Schema.decodeUnknownEither(CompleteUpload.CompleteUpload)
    const validateComplete = Schema.validateEither(CompleteUpload.CompleteUpload)

    const type = "a MIME type of the form type/subtype with at most 255 characters"
    const seconds = "whole seconds from 3600 (1 hour) to 2592000 (30 days)"

    it("names an encoded field by its wire name", () => {
      expect(messageOf(decodeCreate({ ...wire, mime_type: "x" }))).toBe(
        `Invalid \`mime_type\`: got "x"; it must be ${type}`
      )
      expect(messageOf(decodeCreate({ ...wire, bytes: 0.5 }))).toBe(
        "Invalid `bytes`: got 0.5; it must be a number of bytes from 0 to 2^53 - 1"
      )
      expect(messageOf(decodeCreate({ ...wire, expires_after: { anchor: "created_at", seconds: 1 } }))).toBe(
        `Invalid \`expires_after.seconds\`: got 1; it must be ${seconds}`
      )
      expect(messageOf(decodeComplete({ part_ids: ["part_1", ""] }))).toBe(
        "Invalid `part_ids.1`: got \"\"; it must be the non-empty identifier of a Part"
      )
      expect(messageOf(Schema.decodeUnknownEither(Upload)({ ...fixtures.pending, status: "completed" }))).toBe(
        "Invalid `file`: got null; it must be the File of a completed Upload"
      )
    })

    it("names a decoded field by its wire name", () => {
      expect(messageOf(validateCreate({ ...request, mimeType: "x" }))).toBe(
        `Invalid \`mime_type\`: got "x"; it must be ${type}`
      )
      expect(messageOf(validateCreate({ ...request, expiresAfter: Duration.seconds(3599) }))).toBe(
        `Invalid \`expires_after\`: got 59m 59s; it must be a Duration of ${seconds}`
      )
      expect(messageOf(validateComplete({ partIds: ["part_1", ""] }))).toBe(
        "Invalid `part_ids.1`: got \"\"; it must be the non-empty identifier of a Part"
      )
    })

    it("reports a missing field, encoded or decoded", () => {
      const { mime_type: _wire, ...wireRest } = wire
      const { mimeType: _type, ...requestRest } = request
      const missing = `Invalid \`mime_type\`: it is missing; it must be ${type}`
      expect(messageOf(decodeCreate(wireRest))).toBe(missing)
      expect(messageOf(validateCreate(requestRest))).toBe(missing)
    })

    it("reports an unknown field when unknown fields are errors", () => {
      expect(messageOf(decodeCreate({ ...wire, colour: "red" }, { onExcessProperty: "error" }))).toBe(
        "Invalid `colour`: it is not a known field; it must be left out"
      )
      expect(messageOf(decodeCreate({ ...wire, expiresAfter: 1 }, { onExcessProperty: "error" }))).toBe(
        "Invalid `expiresAfter`: it is not a known field; it must be left out"
      )
      const long = decodeCreate({ ...wire, ["k".repeat(10_000)]: 1 }, { onExcessProperty: "error" })
      expect(messageOf(long).length).toBeLessThan(200)
    })

    it("names no field when the value is not an object", () => {
      for (const whole of [null, "text", 1]) {
        const error = Either.getOrThrow(Either.flip(decodeCreate(whole)))
        expect(UploadError.fromParseError(error).field).toBeUndefined()
        expect(messageOf(decodeCreate(whole))).toMatch(/^Invalid request: got /)
      }
    })

    it("reports the first of several issues", () => {
      const all = Schema.decodeUnknownEither(CreateUpload.CreateUpload, { errors: "all" })
      expect(messageOf(all({ ...wire, filename: "", bytes: -1 }))).toMatch(/^Invalid `filename`: /)
    })

    it("shortens a long value", () => {
      const error = Either.getOrThrow(Either.flip(decodeCreate({ ...wire, mime_type: "x".repeat(10_000) })))
      expect(UploadError.fromParseError(error).problem.length).toBeLessThan(100)
    })
  })
})
