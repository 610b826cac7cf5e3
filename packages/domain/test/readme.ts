import * as Upload from "@effect-uploads/domain/Upload"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Match from "effect/Match"
import * as Schema from "effect/Schema"

const describe = Match.type<Upload.Upload>().pipe(
  Match.discriminatorsExhaustive("status")({
    pending: ({ expiresAt }) => `accepts parts until ${DateTime.formatIso(expiresAt)}`,
    completed: ({ file }) => `is now File ${file.id}`,
    cancelled: () => "was cancelled",
    expired: () => "was not completed in time"
  })
)

const upload = Schema.decodeUnknownSync(Schema.parseJson(Upload.Upload))(`{
  "id": "upload_abc123", "object": "upload", "bytes": 12, "filename": "hello.txt", "purpose": "assistants",
  "created_at": 1757400000, "expires_at": 1757403600, "status": "pending"
}`)
console.log(describe(upload)) // accepts parts until 2025-09-09T07:40:00.000Z

const cancelAt = (now: DateTime.DateTime) =>
  Upload.ensurePending(upload, now).pipe(
    Either.map(Upload.cancel),
    Either.match({ onLeft: (error) => error.message, onRight: describe })
  )
console.log(cancelAt(upload.createdAt)) // was cancelled
console.log(cancelAt(upload.expiresAt)) // Upload upload_abc123 expired at 2025-09-09T07:40:00.000Z

// @ts-expect-error Only a Pending can be cancelled, so a Cancelled does not compile.
export const cancelTwice = (cancelled: Upload.Cancelled) => Upload.cancel(cancelled)
