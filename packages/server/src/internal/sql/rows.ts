import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { ExpiresAfter } from "@effect-uploads/domain/ExpiresAfter"
import { FileObject } from "@effect-uploads/domain/FileObject"
import { IdempotencyRecord } from "@effect-uploads/domain/IdempotencyRecord"
import { UploadId } from "@effect-uploads/domain/Ids"
import { MimeType } from "@effect-uploads/domain/MimeType"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { ProjectId } from "../../Project.js"

const parseText = ParseResult.decodeUnknown(Schema.parseJson(Schema.String))

/** The characters that JSON escapes. */
const isEscaped = /["\\\u0000-\u001f\ud800-\udfff]/

/**
 * Text, escaped as in a JSON string, so that any text round-trips. PostgreSQL accepts no NUL, the SQLite driver truncates at
 * it, and neither stores a lone surrogate. Most text needs no escape.
 */
export const Text = Schema.transformOrFail(Schema.String, Schema.String, {
  strict: true,
  decode: (stored) => stored.includes("\\") ? parseText(`"${stored}"`) : ParseResult.succeed(stored),
  encode: (text) => ParseResult.succeed(isEscaped.test(text) ? JSON.stringify(text).slice(1, -1) : text)
})

/** The PostgreSQL driver returns a BIGINT as text. */
export const Integer = Schema.Union(Schema.Int, Schema.NumberFromString.pipe(Schema.int()))

const FileJson = Schema.parseJson(Schema.encodedSchema(FileObject))

/** The columns of an Upload, with the names of its wire fields. */
const UploadColumns = Schema.Struct({
  id: Text,
  project: Text,
  filename: Text,
  purpose: Text,
  mime_type: Text,
  bytes: Integer,
  created_at: Integer,
  expires_at: Integer,
  file_expires_after: Schema.NullOr(Integer),
  status: Schema.Literal("pending", "completed", "cancelled", "expired"),
  received_bytes: Integer,
  received_parts: Integer,
  file: Schema.NullOr(FileJson)
})

export const UploadRow = Schema.transform(
  UploadColumns,
  Schema.Struct({
    project: ProjectId,
    upload: Upload.Upload,
    mimeType: MimeType,
    expiresAfter: Schema.OptionFromNullOr(ExpiresAfter),
    receivedBytes: ByteSize,
    receivedParts: Schema.NonNegativeInt
  }),
  {
    strict: true,
    decode: ({ file_expires_after, mime_type, received_parts, project, received_bytes, ...upload }) => ({
      project,
      upload: { ...upload, object: "upload" as const },
      mimeType: mime_type,
      expiresAfter: file_expires_after === null
        ? null
        : { anchor: "created_at" as const, seconds: file_expires_after },
      receivedBytes: received_bytes,
      receivedParts: received_parts
    }),
    encode: ({ expiresAfter, mimeType, project, receivedBytes, receivedParts, upload }) => ({
      id: upload.id,
      project,
      filename: upload.filename,
      purpose: upload.purpose,
      mime_type: mimeType,
      bytes: upload.bytes,
      created_at: upload.created_at,
      expires_at: upload.expires_at,
      file_expires_after: expiresAfter === null ? null : expiresAfter.seconds,
      status: upload.status,
      received_bytes: receivedBytes,
      received_parts: receivedParts,
      file: upload.status === "completed" && upload.file ? upload.file : null
    })
  }
)

export const PartRow = Schema.transform(
  Schema.Struct({ id: Text, upload_id: Text, bytes: Integer, checksum: Text, created_at: Integer }),
  Schema.Struct({ part: UploadPart, bytes: ByteSize, checksum: Schema.String }),
  {
    strict: true,
    decode: ({ bytes, checksum, ...part }) => ({ part: { ...part, object: "upload.part" as const }, bytes, checksum }),
    encode: ({ bytes, checksum, part: { created_at, id, upload_id } }) => ({
      id,
      upload_id,
      bytes,
      checksum,
      created_at
    })
  }
)

export const FileRow = Schema.Struct({
  project: Schema.compose(Text, ProjectId),
  file: Schema.parseJson(FileObject),
  uploadId: Schema.propertySignature(Schema.compose(Text, UploadId)).pipe(Schema.fromKey("upload_id")),
  sequence: Integer
})

export const CallRow = Schema.Struct({ record: Schema.parseJson(IdempotencyRecord) })

/** The column by which parts are read page by page. */
export const PositionRow = Schema.Struct({ position: Integer })

export const PartIdRow = Schema.Struct({ sequence: Integer, id: Schema.String })

export const StoredPartsRow = Schema.Struct({
  project: Schema.compose(Text, ProjectId),
  received_bytes: Integer,
  received_parts: Integer
})

export const ReceivedBytesRow = Schema.Struct({ received_bytes: Integer })

export const ProjectBytesRow = Schema.Struct({ project_bytes: Integer })

export const FreePagesRow = Schema.Struct({ freelist_count: Integer })

export const UsageRow = Schema.Struct({ pending: Integer, stored_bytes: Integer })

export const ProjectRow = Schema.Struct({ project: Schema.compose(Text, ProjectId) })

export const UploadIdRow = Schema.Struct({ id: Schema.compose(Text, UploadId) })
