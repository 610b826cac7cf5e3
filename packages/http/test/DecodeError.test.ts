import { PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import { ownFields } from "./support/errors.js"
import type { Method } from "./support/stub.js"
import { calls, fileId, md5, methods, over, partBytes, respond, stubHttpClient, uploadId } from "./support/stub.js"

const withMessage = (message: string, more: object = {}) => ({
  error: { message, type: "invalid_request_error", param: null, code: null, ...more }
})

type Case = readonly [status: number, body: string | object, error: string | object, headers?: Record<string, string>]

const partTooLarge = { _tag: "PartTooLarge", uploadId, bytes: partBytes.length }
const checksumMismatch = { _tag: "ChecksumMismatch", uploadId, expected: md5 }
const partNotFound = (partId: string) => ({ _tag: "PartNotFound", uploadId, partId })
const html = "<html><head><title>413 Request Entity Too Large</title></head><body>nginx</body></html>"

/**
 * The error of each method for a response. A body that is a string is the documented envelope with that message. An error that
 * is a tag alone has the id as its only field; for `InvalidRequest`, the message as `problem`.
 */
const table: { readonly [M in Method]?: { readonly [about: string]: ReadonlyArray<Case> } } = {
  create: {
    "a field that is wrong": [
      [400, withMessage("'fine_tune' is not one of ['fine-tune', 'assistants']", { param: "purpose" }), {
        _tag: "InvalidRequest",
        field: "purpose",
        problem: "'fine_tune' is not one of ['fine-tune', 'assistants']"
      }],
      [
        400,
        withMessage(
          "Invalid 'expires_after.seconds': integer below minimum value. Expected a value >= 3600, but got 60 instead.",
          { param: "expires_after.seconds", code: "integer_below_min_value" }
        ),
        {
          _tag: "InvalidRequest",
          field: "expires_after.seconds",
          problem:
            "Invalid 'expires_after.seconds': integer below minimum value. Expected a value >= 3600, but got 60 instead."
        }
      ],
      [422, "bytes must be a positive integer", "InvalidRequest"]
    ],
    "what has nothing to do with an Upload that exists": [
      [404, "Upload not found", "InvalidRequest"],
      [400, "A file with that name was cancelled and has expired", "InvalidRequest"]
    ]
  },
  addPart: {
    "an Upload that is unknown": [
      [404, "No such Upload object: upload_1", "UploadNotFound"],
      [404, "Upload 'upload_1' not found. It may have expired.", "UploadNotFound"],
      [404, "Not found", "UploadNotFound"],
      [404, "The requested resource does not exist.", "UploadNotFound"],
      [404, withMessage("nope", { code: "upload_not_found" }), "UploadNotFound"],
      [404, withMessage("nope", { code: "UploadNotFound", param: "upload_id" }), "UploadNotFound"],
      [404, { detail: "Upload upload_1 not found" }, "UploadNotFound"],
      [404, { error: "upload not found" }, "UploadNotFound"],
      [404, { object: "error", message: "The upload doesn't exist.", code: 404 }, "UploadNotFound"]
    ],
    "something else that is unknown": [
      [404, "Organization proj_123 not found", "InvalidRequest"],
      [404, "The project of upload upload_1 was not found", "InvalidRequest"],
      [404, "Invalid URL (POST /v1/uploads/upload_1/parts)", "InvalidRequest"],
      [
        404,
        withMessage("Unknown request URL: POST /uploads/upload_1/parts", { code: "unknown_url" }),
        "InvalidRequest"
      ],
      [404, { message: "Route POST:/v1/uploads/upload_1/parts not found", statusCode: 404 }, {
        _tag: "InvalidRequest",
        problem: "Route POST:/v1/uploads/upload_1/parts not found"
      }],
      [404, { detail: "Not Found" }, { _tag: "InvalidRequest", problem: "Not Found" }]
    ],
    "an Upload that takes no more": [
      [400, "Upload upload_1 is not pending", "UploadAlreadyCancelled"],
      [409, "Upload isn't pending", "UploadAlreadyCancelled"],
      [409, "is not pending", "UploadAlreadyCancelled"],
      [400, "Upload is not pending (status: completed)", "UploadAlreadyCompleted"],
      [400, "Upload upload_1 is cancelled", "UploadAlreadyCancelled"],
      [404, "Upload upload_1 has been canceled.", "UploadAlreadyCancelled"],
      [409, "is cancelled", "UploadAlreadyCancelled"],
      [400, "Cannot add a part to a cancelled upload", "UploadAlreadyCancelled"],
      [400, "Parts may not be added because the upload is cancelled", "UploadAlreadyCancelled"],
      [400, withMessage("nope", { code: "upload_already_canceled" }), "UploadAlreadyCancelled"],
      [400, "upload_1 has already been completed", "UploadAlreadyCompleted"],
      [409, "Expected upload to be pending, but its status=completed", "UploadAlreadyCompleted"],
      [409, { error: "uploadCompleted", message: "Conflict" }, "UploadAlreadyCompleted"],
      [410, "The upload session has expired", "UploadExpired"],
      [400, "Upload upload_1 expired at 1757000000.", "UploadExpired"],
      [409, { detail: { message: "gone", code: "upload-expired" } }, "UploadExpired"]
    ],
    "something else that is at its end, or an Upload that might be": [
      [400, "The request was cancelled", "InvalidRequest"],
      [400, "Your API key for this upload has expired", "InvalidRequest"],
      [400, "The upload may have expired", "InvalidRequest"],
      [409, "Wait until the upload is completed", "InvalidRequest"],
      [409, "Upload is not yet completed", "InvalidRequest"],
      [409, "Upload is being completed", "InvalidRequest"],
      [400, "Upload has been completed or cancelled", "InvalidRequest"],
      [400, "Filename 'the upload is cancelled.jsonl' is not valid UTF-8", "InvalidRequest"],
      [400, "See https://docs.test/errors/upload-is-cancelled", "InvalidRequest"]
    ],
    "a part that is too large": [
      [413, html, partTooLarge],
      [413, "", partTooLarge],
      [413, "Maximum content size limit (26214400) exceeded (26214401 bytes read)", partTooLarge],
      [400, "Part is too large", partTooLarge],
      [400, "Part exceeds the maximum size of 67108864 bytes", partTooLarge],
      [400, "Parts can be at most 64 MB", partTooLarge],
      [400, withMessage("nope", { code: "part_too_large" }), partTooLarge]
    ],
    "more bytes than were declared": [
      [400, "Part would exceed the upload's declared size", "UploadSizeExceeded"],
      [400, "Adding this part would exceed the total bytes specified for the upload", "UploadSizeExceeded"],
      [400, "Upload upload_1 received more bytes than expected", "UploadSizeExceeded"],
      [400, withMessage("nope", { code: "upload_size_exceeded" }), "UploadSizeExceeded"]
    ],
    "another limit": [
      [400, "Organization storage limit exceeded.", "InvalidRequest"],
      [400, "This upload would exceed the total size of files in your organization", "InvalidRequest"],
      [400, "Upload rate limit exceeded: too many bytes in a minute", "InvalidRequest"],
      [400, "Part would exceed your storage quota", "InvalidRequest"],
      [400, "Part number exceeds the maximum of 10000", "InvalidRequest"],
      [400, "Invalid part size", "InvalidRequest"],
      [400, "Part size must be at least the minimum of 5 MB", "InvalidRequest"]
    ]
  },
  complete: {
    "a part that is unknown": [
      [400, "Invalid part ID: part_10", partNotFound("part_10")],
      [400, "No such part: 'part_10'", partNotFound("part_10")],
      [400, "Part part_1 not found in upload upload_1", partNotFound("part_1")],
      [404, "Upload upload_1: part part_10 does not exist", partNotFound("part_10")],
      [422, "Part part_10 does not belong to upload upload_1", partNotFound("part_10")],
      [400, "Unknown id part_10", partNotFound("part_10")],
      [400, "One or more parts could not be found", "PartNotFound"],
      [400, "Part(s) not found: [part_100]", "PartNotFound"],
      [400, withMessage("nope", { code: "part_not_found" }), "PartNotFound"]
    ],
    "bytes that do not add up": [
      [400, "Total bytes of the parts (600) do not match the upload's bytes (1000)", "BytesMismatch"],
      [
        400,
        "The number of bytes uploaded must match the number of bytes originally specified for the Upload object.",
        "BytesMismatch"
      ],
      [400, "Upload is missing 400 bytes", "BytesMismatch"],
      [400, "The parts have fewer bytes than declared", "BytesMismatch"],
      [400, withMessage("nope", { code: "bytes_mismatch" }), "BytesMismatch"]
    ],
    "a wrong md5": [
      [400, "The md5 checksum does not match", checksumMismatch],
      [400, "MD5 mismatch: expected 00, got 11", checksumMismatch],
      [400, "Checksum verification failed", checksumMismatch],
      [422, withMessage("nope", { code: "checksum_mismatch" }), checksumMismatch]
    ],
    "the state of the Upload": [
      [400, "Upload upload_1 is not pending", "UploadAlreadyCompleted"],
      [400, "Upload upload_1 has already been completed", "UploadAlreadyCompleted"],
      [400, "Upload cannot be completed because it was cancelled", "UploadAlreadyCancelled"],
      [400, "Upload cannot be completed because it is expired", "UploadExpired"],
      [404, "No such upload: upload_1", "UploadNotFound"],
      [404, "Upload upload_1 does not exist; its parts are gone", "UploadNotFound"]
    ],
    "something else that has these words": [
      [400, "You have exceeded your organization's file storage size of 100 GB", "InvalidRequest"],
      [400, "Batch file size is larger than 200 MB", "InvalidRequest"],
      [400, "Total size of the upload must be less than 512 MB", "InvalidRequest"],
      [404, "Project not found", "InvalidRequest"],
      [404, "The model does not exist", "InvalidRequest"],
      [
        400,
        withMessage("Missing required parameter: 'part_ids'.", { code: "missing_required_parameter" }),
        "InvalidRequest"
      ],
      [400, "Unknown parameter: 'part_id'.", "InvalidRequest"],
      [400, "Invalid 'part_ids': empty array. Expected an array with minimum length 1.", "InvalidRequest"],
      [400, "Invalid 'md5': string too short. Expected a string with minimum length 32.", "InvalidRequest"],
      [400, "md5 does not match the pattern ^[0-9a-f]{32}$", "InvalidRequest"],
      [400, "Invalid part size: part_1 is smaller than the minimum of 5 MB", "InvalidRequest"],
      [400, "Duplicate part part_1 is invalid", "InvalidRequest"],
      [422, { detail: [{ type: "missing", loc: ["body", "part_ids"], msg: "Field required" }] }, {
        _tag: "InvalidRequest",
        problem: "Field required"
      }]
    ]
  },
  cancel: {
    "the state of the Upload": [
      [400, "Upload upload_1 cannot be cancelled because it is completed", "UploadAlreadyCompleted"],
      [400, "Cannot cancel upload with status 'completed'", "UploadAlreadyCompleted"],
      [409, "Upload is not pending", "UploadAlreadyCompleted"],
      [409, "Upload was already cancelled", "UploadAlreadyCancelled"],
      [400, "Upload cannot be cancelled: it has expired", "UploadExpired"],
      [404, "No such upload", "UploadNotFound"]
    ],
    "something else that has these words": [
      [400, "Your trial has expired", "InvalidRequest"],
      [400, "Billing is expired", "InvalidRequest"],
      [400, "The upload could not be cancelled", "InvalidRequest"],
      [400, "Upload has not been completed", "InvalidRequest"]
    ]
  },
  retrieve: {
    "a File that is unknown": [
      [404, "No such File object: file-1", "FileNotFound"],
      [404, withMessage("nope", { code: "file_not_found" }), "FileNotFound"],
      [404, { detail: "File file-1 not found" }, "FileNotFound"]
    ],
    "anything else": [
      [404, "Invalid URL (GET /v1/files/file-1)", "InvalidRequest"],
      [404, "Project not found", "InvalidRequest"],
      [400, "File is not ready", "InvalidRequest"]
    ]
  },
  content: {
    "a File that is unknown": [[404, "No such File object: file-1", "FileNotFound"]],
    "a File whose bytes are not given out": [
      [400, "Not allowed to download files of purpose: assistants", "InvalidRequest"]
    ]
  },
  delete: { "a File that is unknown": [[404, "No such File object: file-1", "FileNotFound"]] },
  list: {
    "a wrong parameter": [
      [400, withMessage("after is unknown", { param: "after" }), {
        _tag: "InvalidRequest",
        field: "after",
        problem: "after is unknown"
      }]
    ]
  }
}

/** The error of every method for a response. */
const general: ReadonlyArray<Case> = [
  [401, withMessage("Incorrect API key provided", { code: "invalid_api_key" }), { _tag: "Unauthenticated" }],
  [401, "", { _tag: "Unauthenticated" }],
  [402, withMessage("Payment required"), { _tag: "QuotaExceeded" }],
  [403, withMessage("You are not allowed; the upload is cancelled"), { _tag: "PermissionDenied" }],
  [408, withMessage("Request timed out"), { _tag: "RequestTimeout" }],
  [429, withMessage("Slow down"), { _tag: "RateLimited" }],
  [429, withMessage("Slow down"), { _tag: "RateLimited", retryAfter: Duration.seconds(7) }, { "retry-after": "7" }],
  [429, "", { _tag: "RateLimited", retryAfter: Duration.millis(12) }, { "retry-after-ms": "12", "retry-after": "7" }],
  [429, withMessage("You exceeded your current quota", { code: "insufficient_quota" }), { _tag: "QuotaExceeded" }],
  [
    429,
    withMessage("You exceeded your current quota", { type: "insufficient_quota", code: "insufficient_quota" }),
    { _tag: "QuotaExceeded" },
    { "retry-after": "7" }
  ],
  [429, withMessage("Quota", { type: "insufficient_quota" }), { _tag: "QuotaExceeded" }],
  [500, withMessage("The server had an error"), { _tag: "ServiceUnavailable" }],
  [503, "", { _tag: "ServiceUnavailable", retryAfter: Duration.seconds(30) }, { "retry-after": "30" }],
  [504, "", { _tag: "ServiceUnavailable" }]
]

/** The envelope for a message. An HTML page and an empty body are sent unchanged. */
const sent = (body: Case[1]): object | undefined =>
  !Predicate.isString(body) ? body : body === "" || body === html ? undefined : withMessage(body)

/** The fields of an envelope, which the error keeps unchanged. */
const fieldsOf = (sent: object | undefined): Readonly<Record<string, string>> => {
  const error = Predicate.hasProperty(sent, "error") && Predicate.isRecord(sent.error) ? sent.error : {}
  return Record.filter(
    { message: error["message"], type: error["type"], code: error["code"], param: error["param"] },
    Predicate.isString
  )
}

const ids: { readonly [tag: string]: object } = { InvalidRequest: {}, FileNotFound: { fileId } }

const check = (method: Method, [status, body, error, headers]: Case) =>
  Effect.gen(function*() {
    const envelope = sent(body)
    const text = envelope === undefined ? String(body) : JSON.stringify(envelope)
    const client = stubHttpClient(() =>
      Effect.succeed(respond(status, text, { "x-request-id": "req_0123", ...headers }))
    )
    const arrived = yield* Effect.provide(Effect.flip(calls[method]), over(client))
    const fields = fieldsOf(envelope)
    expect(ownFields(arrived)).toEqual(
      Predicate.isString(error)
        ? {
          _tag: error,
          ...ids[error] ?? { uploadId },
          ...(error === "InvalidRequest" ? { problem: fields.message } : {})
        }
        : error
    )
    expect(Predicate.hasProperty(arrived, "response") && { ...Object(arrived.response) }).toMatchObject({
      status,
      requestId: "req_0123",
      ...fields,
      ...(envelope === undefined && text !== "" ? { excerpt: text } : {})
    })
  })

describe("error responses of other services", () => {
  const labelled = (rows: ReadonlyArray<Case>) =>
    rows.map((row) => [`${row[0]} ${JSON.stringify(row[1]).slice(0, 80)}`, row] as const)

  describe.each(methods)("%s", (method) => {
    describe.each(Object.entries(table[method] ?? {}))("%s", (_, rows) => {
      it.effect.each(labelled(rows))("%s", ([, row]) => check(method, row))
    })

    it.effect.each(labelled(general))("%s", ([, row]) => check(method, row))
  })

  it.effect("the requested ids are not read as part of the message", () =>
    Effect.gen(function*() {
      const client = (message: string) =>
        over(stubHttpClient(() => Effect.succeed(respond(400, JSON.stringify(withMessage(message))))))
      for (
        const id of [
          "is_expired",
          "already cancelled",
          "completed",
          "upload_not_found",
          "part too large",
          "upload.pdf is cancelled",
          "no such/upload (exists)*"
        ]
      ) {
        const upload = UploadId.make(id)
        const adding = Effect.flip(
          Effect.flatMap(UploadsService.UploadsService, (uploads) => uploads.addPart(upload, partBytes))
        )
        const other = `Upload ${id} is busy`
        expect(ownFields(yield* Effect.provide(adding, client(other)))).toEqual({
          _tag: "InvalidRequest",
          problem: other
        })
        expect(ownFields(yield* Effect.provide(adding, client(`Upload '${id}' has been cancelled`)))).toEqual({
          _tag: "UploadAlreadyCancelled",
          uploadId: upload
        })
        const completing = Effect.flip(Effect.flatMap(UploadsService.UploadsService, (uploads) =>
          uploads.complete(uploadId, { partIds: [PartId.make(id)] })))
        expect(ownFields(yield* Effect.provide(completing, client(`Part "${id}" is busy`)))).toEqual({
          _tag: "InvalidRequest",
          problem: `Part "${id}" is busy`
        })
        expect(ownFields(yield* Effect.provide(completing, client(`No such part: ${id}`)))).toEqual(partNotFound(id))
      }
    }))
})
