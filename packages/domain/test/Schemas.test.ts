import * as Domain from "@effect-uploads/domain"
import * as ByteSize from "@effect-uploads/domain/ByteSize"
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import * as ErrorResponse from "@effect-uploads/domain/ErrorResponse"
import * as ExpiresAfter from "@effect-uploads/domain/ExpiresAfter"
import * as FileError from "@effect-uploads/domain/FileError"
import * as FileObject from "@effect-uploads/domain/FileObject"
import * as FilePurpose from "@effect-uploads/domain/FilePurpose"
import * as IdempotencyRecord from "@effect-uploads/domain/IdempotencyRecord"
import * as Ids from "@effect-uploads/domain/Ids"
import * as Md5 from "@effect-uploads/domain/Md5"
import * as MimeType from "@effect-uploads/domain/MimeType"
import * as RequestText from "@effect-uploads/domain/RequestText"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import * as UploadError from "@effect-uploads/domain/UploadError"
import * as UploadPart from "@effect-uploads/domain/UploadPart"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { toWire } from "./support.js"

addEqualityTesters()

/*
 * The documented wire shapes, written down independently of the domain. The checks are exact: a key that is not listed
 * fails, and so does `undefined` for an optional key.
 */
const text = Schema.String
const number = Schema.Number
const optional = <A>(schema: Schema.Schema<A>) => Schema.optionalWith(schema, { exact: true })

const file = Schema.Struct({
  id: text,
  object: Schema.Literal("file"),
  bytes: number,
  created_at: number,
  expires_at: optional(number),
  filename: text,
  purpose: text,
  status: Schema.Literal("uploaded", "processed", "error"),
  status_details: optional(text)
})

const upload = {
  id: text,
  object: Schema.Literal("upload"),
  bytes: number,
  created_at: number,
  expires_at: number,
  filename: text,
  purpose: text
}
const pending = Schema.Struct({ ...upload, status: Schema.Literal("pending") })
const completed = Schema.Struct({ ...upload, status: Schema.Literal("completed"), file })
const cancelled = Schema.Struct({ ...upload, status: Schema.Literal("cancelled") })
const expired = Schema.Struct({ ...upload, status: Schema.Literal("expired") })

const expiresAfter = Schema.Struct({ anchor: Schema.Literal("created_at"), seconds: number })

const response = Schema.Struct({
  status: number,
  requestId: optional(text),
  shouldRetry: optional(Schema.Boolean),
  message: optional(text),
  type: optional(text),
  code: optional(text),
  param: optional(text),
  excerpt: optional(text)
})

const error = <Tag extends string, Fields extends Schema.Struct.Fields>(tag: Tag, fields: Fields) =>
  Schema.Struct({ _tag: Schema.Literal(tag), ...fields, response: optional(response) })

const errors = {
  InvalidRequest: error("InvalidRequest", { field: optional(text), problem: text, limit: optional(text) }),
  UploadNotFound: error("UploadNotFound", { uploadId: text }),
  UploadAlreadyCompleted: error("UploadAlreadyCompleted", { uploadId: text, fileId: optional(text) }),
  UploadAlreadyCancelled: error("UploadAlreadyCancelled", { uploadId: text }),
  UploadExpired: error("UploadExpired", { uploadId: text, expiredAt: optional(number) }),
  PartNotFound: error("PartNotFound", { uploadId: text, partId: optional(text) }),
  PartTooLarge: error("PartTooLarge", { uploadId: text, bytes: optional(number), limit: optional(number) }),
  UploadSizeExceeded: error("UploadSizeExceeded", {
    uploadId: text,
    declared: optional(number),
    limit: optional(number),
    received: optional(number)
  }),
  BytesMismatch: error("BytesMismatch", { uploadId: text, declared: optional(number), received: optional(number) }),
  ChecksumMismatch: error("ChecksumMismatch", { uploadId: text, expected: optional(text), actual: optional(text) })
}

const tested = new Set<string>()

/** Every value survives JSON unchanged and is encoded in the documented shape. */
const roundTrips = <A, I, W>(name: string, schema: Schema.Schema<A, I>, wire: Schema.Schema<W>) => {
  tested.add(name)
  const encode = Schema.encodeSync(schema)
  const decode = Schema.decodeUnknownSync(schema)
  const isValue = Schema.is(schema)
  const isExact = Schema.is(wire, { exact: true, onExcessProperty: "error" })

  it.prop(`${name} round-trips through JSON`, [Schema.typeSchema(schema)], ([value]) => {
    const back = decode(toWire(schema)(value))
    expect(isValue(back)).toBe(true)
    expect(back).toEqual(value)
  })

  it.prop(
    `${name} is encoded in its documented shape, without missing or extra keys`,
    [Schema.typeSchema(schema)],
    ([value]) => {
      expect(encode(value)).toSatisfy((encoded) => isExact(encoded))
    }
  )
}

describe("Schemas", () => {
  roundTrips("ByteSize.ByteSize", ByteSize.ByteSize, number)
  roundTrips(
    "CompleteUpload.CompleteUpload",
    CompleteUpload.CompleteUpload,
    Schema.Struct({ part_ids: Schema.Array(text), md5: optional(text) })
  )
  roundTrips(
    "CreateUpload.CreateUpload",
    CreateUpload.CreateUpload,
    Schema.Struct({
      filename: text,
      purpose: text,
      bytes: number,
      mime_type: text,
      expires_after: optional(expiresAfter)
    })
  )
  roundTrips("ErrorResponse.ErrorResponse", ErrorResponse.ErrorResponse, response)
  roundTrips("ExpiresAfter.ExpiresAfter", ExpiresAfter.ExpiresAfter, expiresAfter)
  roundTrips("FileError.FileNotFound", FileError.FileNotFound, error("FileNotFound", { fileId: text }))
  roundTrips("FileObject.FileObject", FileObject.FileObject, file)
  roundTrips("FilePurpose.DocumentedPurpose", FilePurpose.DocumentedPurpose, text)
  roundTrips("FilePurpose.FilePurpose", FilePurpose.FilePurpose, text)
  roundTrips("FilePurpose.UploadPurpose", FilePurpose.UploadPurpose, text)
  const record = <Tag extends string, A, I>(tag: Tag, response: Schema.Schema<A, I>) =>
    Schema.Struct({ _tag: Schema.Literal(tag), request: text, response })
  const part = Schema.Struct({
    id: text,
    object: Schema.Literal("upload.part"),
    created_at: number,
    upload_id: text
  })
  const records = {
    CreateRecord: record("CreateRecord", pending),
    AddPartRecord: record("AddPartRecord", part),
    CompleteRecord: record("CompleteRecord", completed),
    CancelRecord: record("CancelRecord", cancelled)
  }
  roundTrips("IdempotencyRecord.CreateRecord", IdempotencyRecord.CreateRecord, records.CreateRecord)
  roundTrips("IdempotencyRecord.AddPartRecord", IdempotencyRecord.AddPartRecord, records.AddPartRecord)
  roundTrips("IdempotencyRecord.CompleteRecord", IdempotencyRecord.CompleteRecord, records.CompleteRecord)
  roundTrips("IdempotencyRecord.CancelRecord", IdempotencyRecord.CancelRecord, records.CancelRecord)
  roundTrips(
    "IdempotencyRecord.IdempotencyRecord",
    IdempotencyRecord.IdempotencyRecord,
    Schema.Union(...Object.values(records))
  )
  roundTrips("Ids.FileId", Ids.FileId, text)
  roundTrips("Ids.PartId", Ids.PartId, text)
  roundTrips("Ids.UploadId", Ids.UploadId, text)
  roundTrips("Md5.Md5", Md5.Md5, text)
  roundTrips("MimeType.MimeType", MimeType.MimeType, text)
  roundTrips("RequestText.Filename", RequestText.Filename, text)
  roundTrips("RequestText.Purpose", RequestText.Purpose, text)
  roundTrips("Timestamp.Timestamp", Timestamp.Timestamp, number)
  roundTrips("Upload.Cancelled", Upload.Cancelled, cancelled)
  roundTrips("Upload.Completed", Upload.Completed, completed)
  roundTrips("Upload.Expired", Upload.Expired, expired)
  roundTrips("Upload.Pending", Upload.Pending, pending)
  roundTrips("Upload.Upload", Upload.Upload, Schema.Union(pending, completed, cancelled, expired))
  roundTrips("UploadError.BytesMismatch", UploadError.BytesMismatch, errors.BytesMismatch)
  roundTrips("UploadError.ChecksumMismatch", UploadError.ChecksumMismatch, errors.ChecksumMismatch)
  roundTrips("UploadError.InvalidRequest", UploadError.InvalidRequest, errors.InvalidRequest)
  roundTrips("UploadError.PartNotFound", UploadError.PartNotFound, errors.PartNotFound)
  roundTrips("UploadError.PartTooLarge", UploadError.PartTooLarge, errors.PartTooLarge)
  roundTrips("UploadError.UploadAlreadyCancelled", UploadError.UploadAlreadyCancelled, errors.UploadAlreadyCancelled)
  roundTrips("UploadError.UploadAlreadyCompleted", UploadError.UploadAlreadyCompleted, errors.UploadAlreadyCompleted)
  roundTrips("UploadError.UploadError", UploadError.UploadError, Schema.Union(...Object.values(errors)))
  roundTrips("UploadError.UploadExpired", UploadError.UploadExpired, errors.UploadExpired)
  roundTrips("UploadError.UploadNotFound", UploadError.UploadNotFound, errors.UploadNotFound)
  roundTrips("UploadError.UploadSizeExceeded", UploadError.UploadSizeExceeded, errors.UploadSizeExceeded)
  roundTrips(
    "UploadPart.UploadPart",
    UploadPart.UploadPart,
    part
  )

  it("every exported schema has these tests", () => {
    const exported = Object.entries(Domain).flatMap(([namespace, module]) =>
      Object.entries(module).flatMap(([name, value]) => Schema.isSchema(value) ? [`${namespace}.${name}`] : [])
    )
    expect([...tested].sort()).toEqual(exported.sort())
  })
})
