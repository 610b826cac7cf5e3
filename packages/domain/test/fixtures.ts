/*
 * Samples of the published documentation, and shapes that were recorded from the service (with invented ids). They are JSON
 * text, because a client receives text.
 */

/** Parses JSON to `unknown`, the type that a client has before it decodes. */
export const parse = (text: string): unknown => JSON.parse(text)

const documentedFile = `"id": "file-xyz321", "object": "file", "bytes": 2147483648, "created_at": 1719186911,
  "filename": "training_examples.jsonl", "purpose": "fine-tune"`

const documentedUpload = `"id": "upload_abc123", "object": "upload", "bytes": 2147483648, "created_at": 1719184911,
  "filename": "training_examples.jsonl", "purpose": "fine-tune", "expires_at": 1719127296`

const placeholderFile = `"id": "id", "bytes": 0, "created_at": 0, "filename": "filename", "object": "file",
  "purpose": "assistants", "status": "uploaded", "expires_at": 0, "status_details": "status_details"`

const placeholderUpload = `"id": "id", "bytes": 0, "created_at": 0, "expires_at": 0, "filename": "filename",
  "purpose": "purpose", "status": "pending", "file": { ${placeholderFile} }`

const recordedUpload = `"id": "upload_68c0a1b2c3d4e5f60718293a4b5c6d7e", "object": "upload", "bytes": 12,
  "created_at": 1757400000, "filename": "hello.txt", "purpose": "assistants", "expires_at": 1757403600`

const recordedFile = `"object": "file", "id": "file-9aBcDeFgHiJkLmNoPqRsTu", "purpose": "assistants",
  "filename": "hello.txt", "bytes": 12, "created_at": 1757400000, "expires_at": null, "status": "processed",
  "status_details": null`

interface UploadSample {
  readonly name: string
  readonly json: string
  readonly status: "pending" | "completed" | "cancelled" | "expired"
}

export const uploads: ReadonlyArray<UploadSample> = [
  { name: "documented, created", json: `{ ${documentedUpload}, "status": "pending" }`, status: "pending" },
  { name: "documented, cancelled", json: `{ ${documentedUpload}, "status": "cancelled" }`, status: "cancelled" },
  {
    name: "documented, completed, with a File that expires",
    json: `{ ${documentedUpload}, "status": "completed", "file": { ${documentedFile}, "expires_at": 1719127296 } }`,
    status: "completed"
  },
  {
    name: "documented, completed, with a File that never expires",
    json: `{ ${documentedUpload}, "status": "completed", "file": { ${documentedFile} } }`,
    status: "completed"
  },
  {
    name: "placeholders, pending with a file",
    json: `{ ${placeholderUpload}, "object": "upload" }`,
    status: "pending"
  },
  { name: "placeholders without the optional object", json: `{ ${placeholderUpload} }`, status: "pending" },
  { name: "recorded, created", json: `{ ${recordedUpload}, "status": "pending" }`, status: "pending" },
  { name: "recorded, cancelled", json: `{ ${recordedUpload}, "status": "cancelled" }`, status: "cancelled" },
  {
    name: "recorded, completed",
    json: `{ ${recordedUpload}, "status": "completed", "file": { ${recordedFile} } }`,
    status: "completed"
  },
  { name: "expired", json: `{ ${recordedUpload}, "status": "expired", "file": null }`, status: "expired" }
]

export const parts: ReadonlyArray<{ readonly name: string; readonly json: string; readonly createdAt: number }> = [
  {
    name: "documented, added",
    json: `{ "id": "part_def456", "object": "upload.part", "created_at": 1719185911, "upload_id": "upload_abc123" }`,
    createdAt: 1719185911
  },
  {
    name: "documented, the object",
    json: `{ "id": "part_def456", "object": "upload.part", "created_at": 1719186911, "upload_id": "upload_abc123" }`,
    createdAt: 1719186911
  }
]

interface FileSample {
  readonly name: string
  readonly json: string
  readonly status: "uploaded" | "processed" | "error"
  readonly expiresAt: number | undefined
}

export const files: ReadonlyArray<FileSample> = [
  {
    name: "documented, the object",
    json: `{ "id": "file-abc123", "object": "file", "bytes": 120000, "created_at": 1677610602,
      "expires_at": 1680202602, "filename": "salesOverview.pdf", "purpose": "assistants" }`,
    status: "processed",
    expiresAt: 1680202602
  },
  {
    name: "documented, created and retrieved",
    json: `{ "id": "file-abc123", "object": "file", "bytes": 120000, "created_at": 1677610602,
      "expires_at": 1677614202, "filename": "mydata.jsonl", "purpose": "fine-tune" }`,
    status: "processed",
    expiresAt: 1677614202
  },
  {
    name: "documented, first of a list",
    json: `{ "id": "file-abc123", "object": "file", "bytes": 175, "created_at": 1613677385,
      "expires_at": 1677614202, "filename": "salesOverview.pdf", "purpose": "assistants" }`,
    status: "processed",
    expiresAt: 1677614202
  },
  {
    name: "documented, second of a list",
    json: `{ "id": "file-abc456", "object": "file", "bytes": 140, "created_at": 1613779121,
      "expires_at": 1677614202, "filename": "puppy.jsonl", "purpose": "fine-tune" }`,
    status: "processed",
    expiresAt: 1677614202
  },
  { name: "documented, of an Upload", json: `{ ${documentedFile} }`, status: "processed", expiresAt: undefined },
  { name: "placeholders", json: `{ ${placeholderFile} }`, status: "uploaded", expiresAt: 0 },
  { name: "recorded", json: `{ ${recordedFile} }`, status: "processed", expiresAt: undefined }
]

export const createRequest = `{ "purpose": "fine-tune", "filename": "training_examples.jsonl", "bytes": 2147483648,
  "mime_type": "text/jsonl", "expires_after": { "anchor": "created_at", "seconds": 3600 } }`

export const completeRequest = `{ "part_ids": ["part_def456", "part_ghi789"] }`

/** A valid pending Upload. Tests change one field at a time. */
export const pending = {
  id: "upload_abc123",
  object: "upload",
  bytes: 12,
  created_at: 1757400000,
  expires_at: 1757403600,
  filename: "hello.txt",
  purpose: "assistants",
  status: "pending"
}

/** A valid File. */
export const file = {
  id: "file-xyz321",
  object: "file",
  bytes: 12,
  created_at: 1757400000,
  filename: "hello.txt",
  purpose: "assistants",
  status: "processed"
}
