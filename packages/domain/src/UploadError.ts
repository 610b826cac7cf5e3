/**
 * The errors of the operations on an Upload: one class for each reason on which a caller acts differently.
 *
 * A field is absent if the service did not report it. `response` holds the error response of the service. It is absent if
 * the error was found without a request.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { ByteSize } from "./ByteSize.js"
import { ErrorResponse, formatMessage } from "./ErrorResponse.js"
import { FileId, PartId, UploadId } from "./Ids.js"
import * as parseIssue from "./internal/parseIssue.js"
import { Md5 } from "./Md5.js"
import { Timestamp } from "./Timestamp.js"

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { exact: true })

const response = optional(ErrorResponse)

/**
 * The request is invalid in any state of the Upload. Change the request; sending it again fails again.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("@effect-uploads/domain/InvalidRequest")(
  "InvalidRequest",
  {
    /** The name of the field on the wire, such as `expires_after.seconds`. Absent if the service names no field. */
    field: optional(Schema.String),
    /** The problem with the value, such as `got -1`. */
    problem: Schema.String,
    /** The rule that the value must follow, such as `at most 255 characters`. */
    limit: optional(Schema.String),
    response
  },
  { identifier: "InvalidRequest" }
) {
  override get message(): string {
    const where = this.field === undefined ? "Invalid request" : `Invalid \`${this.field}\``
    const limit = this.limit === undefined ? "" : `; it must be ${this.limit}`
    return formatMessage(`${where}: ${this.problem}${limit}`, this.response)
  }
}

/**
 * Turns the first issue of a schema error into an `InvalidRequest`. The field has its wire name, even if the checked value
 * was a decoded one.
 *
 * @example
 * ```ts
 * import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
 * import * as UploadError from "@effect-uploads/domain/UploadError"
 * import * as Either from "effect/Either"
 * import * as Schema from "effect/Schema"
 *
 * const decode = Schema.decodeUnknownEither(CreateUpload.CreateUpload)
 *
 * export const decodeRequest = (body: unknown) => Either.mapLeft(decode(body), UploadError.fromParseError)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromParseError = (error: ParseResult.ParseError): InvalidRequest => {
  const { expected, path, problem } = parseIssue.first(error.issue)
  const field = path.join(".")
  return new InvalidRequest({ ...(field === "" ? {} : { field }), problem, limit: expected })
}

/**
 * The Upload does not exist: it was never created, it belongs to another project, or the service has deleted its record.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadNotFound extends Schema.TaggedError<UploadNotFound>("@effect-uploads/domain/UploadNotFound")(
  "UploadNotFound",
  { uploadId: UploadId, response },
  { identifier: "UploadNotFound" }
) {
  override get message(): string {
    return formatMessage(`Upload ${this.uploadId} was not found`, this.response)
  }
}

/**
 * The Upload was completed before, and its File exists.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadAlreadyCompleted
  extends Schema.TaggedError<UploadAlreadyCompleted>("@effect-uploads/domain/UploadAlreadyCompleted")(
    "UploadAlreadyCompleted",
    { uploadId: UploadId, fileId: optional(FileId), response },
    { identifier: "UploadAlreadyCompleted" }
  )
{
  override get message(): string {
    const file = this.fileId === undefined ? "" : ` as File ${this.fileId}`
    return formatMessage(`Upload ${this.uploadId} is already completed${file}`, this.response)
  }
}

/**
 * The Upload was cancelled before, and its parts no longer exist.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadAlreadyCancelled
  extends Schema.TaggedError<UploadAlreadyCancelled>("@effect-uploads/domain/UploadAlreadyCancelled")(
    "UploadAlreadyCancelled",
    { uploadId: UploadId, response },
    { identifier: "UploadAlreadyCancelled" }
  )
{
  override get message(): string {
    return formatMessage(`Upload ${this.uploadId} is already cancelled`, this.response)
  }
}

/**
 * The Upload was not completed before its `expiresAt`. Create a new Upload.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadExpired extends Schema.TaggedError<UploadExpired>("@effect-uploads/domain/UploadExpired")(
  "UploadExpired",
  { uploadId: UploadId, expiredAt: optional(Timestamp), response },
  { identifier: "UploadExpired" }
) {
  override get message(): string {
    const when = this.expiredAt === undefined ? "" : ` at ${DateTime.formatIso(this.expiredAt)}`
    return formatMessage(`Upload ${this.uploadId} expired${when}`, this.response)
  }
}

/**
 * `complete` listed a part id that does not belong to the Upload.
 *
 * @since 0.1.0
 * @category errors
 */
export class PartNotFound extends Schema.TaggedError<PartNotFound>("@effect-uploads/domain/PartNotFound")(
  "PartNotFound",
  { uploadId: UploadId, partId: optional(PartId), response },
  { identifier: "PartNotFound" }
) {
  override get message(): string {
    return formatMessage(`Part ${this.partId ?? "(not named)"} was not found in Upload ${this.uploadId}`, this.response)
  }
}

/**
 * A part is larger than the limit for a part. Send smaller parts.
 *
 * @since 0.1.0
 * @category errors
 */
export class PartTooLarge extends Schema.TaggedError<PartTooLarge>("@effect-uploads/domain/PartTooLarge")(
  "PartTooLarge",
  {
    uploadId: UploadId,
    /** The size of the part in bytes. Absent if the part was rejected before it was read to its end. */
    bytes: optional(ByteSize),
    /** The limit in bytes. */
    limit: optional(ByteSize),
    response
  },
  { identifier: "PartTooLarge" }
) {
  override get message(): string {
    const size = this.bytes === undefined ? "" : ` of ${this.bytes} bytes`
    const limit = this.limit === undefined ? "" : `; the limit is ${this.limit} bytes`
    return formatMessage(`A part${size} is too large for Upload ${this.uploadId}${limit}`, this.response)
  }
}

/**
 * The parts together would have more bytes than the service stores for the Upload. The limit depends on the declared size, see
 * `UploadParts.maximumReceivedBytes`. Other services may reject every byte beyond the declared size.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadSizeExceeded
  extends Schema.TaggedError<UploadSizeExceeded>("@effect-uploads/domain/UploadSizeExceeded")(
    "UploadSizeExceeded",
    {
      uploadId: UploadId,
      /** The size that the Upload was created with, in bytes. */
      declared: optional(ByteSize),
      /** The bytes that the service stores for the Upload, at most. */
      limit: optional(ByteSize),
      /**
       * The bytes of all parts together with this one. Absent if the part was rejected before it was read to its end.
       */
      received: optional(ByteSize),
      response
    },
    { identifier: "UploadSizeExceeded" }
  )
{
  override get message(): string {
    const declared = this.declared === undefined ? "" : `: it declared ${this.declared} bytes`
    const limit = this.limit === undefined ? "" : `, may receive ${this.limit}`
    const received = this.received === undefined ? "" : `, and would have received ${this.received}`
    return formatMessage(
      `The part exceeds the size of Upload ${this.uploadId}${declared}${limit}${received}`,
      this.response
    )
  }
}

/**
 * The parts that `complete` listed have more or fewer bytes than the Upload declared.
 *
 * @since 0.1.0
 * @category errors
 */
export class BytesMismatch extends Schema.TaggedError<BytesMismatch>("@effect-uploads/domain/BytesMismatch")(
  "BytesMismatch",
  {
    uploadId: UploadId,
    /** The size that the Upload was created with, in bytes. */
    declared: optional(ByteSize),
    /** The bytes of the listed parts together. */
    received: optional(ByteSize),
    response
  },
  { identifier: "BytesMismatch" }
) {
  override get message(): string {
    const declared = this.declared === undefined ? "" : `: it declared ${this.declared} bytes`
    const received = this.received === undefined ? "" : `, the listed parts have ${this.received}`
    return formatMessage(`The parts of Upload ${this.uploadId} do not add up${declared}${received}`, this.response)
  }
}

/**
 * The md5 that `complete` sent is not the md5 of the listed parts. The bytes changed on the way, or the order is wrong.
 *
 * @since 0.1.0
 * @category errors
 */
export class ChecksumMismatch extends Schema.TaggedError<ChecksumMismatch>("@effect-uploads/domain/ChecksumMismatch")(
  "ChecksumMismatch",
  {
    uploadId: UploadId,
    /** The md5 that the request has. */
    expected: optional(Md5),
    /** The md5 that the service computed. */
    actual: optional(Md5),
    response
  },
  { identifier: "ChecksumMismatch" }
) {
  override get message(): string {
    const expected = this.expected === undefined ? "" : `: expected ${this.expected}`
    const actual = this.actual === undefined ? "" : `, found ${this.actual}`
    return formatMessage(`The md5 of Upload ${this.uploadId} does not match${expected}${actual}`, this.response)
  }
}

/**
 * The errors of a command on an Upload that is not pending.
 *
 * @since 0.1.0
 * @category errors
 */
export type UploadNotPending = UploadAlreadyCompleted | UploadAlreadyCancelled | UploadExpired

/**
 * @since 0.1.0
 * @category schemas
 */
export const UploadError = Schema.Union(
  InvalidRequest,
  UploadNotFound,
  UploadAlreadyCompleted,
  UploadAlreadyCancelled,
  UploadExpired,
  PartNotFound,
  PartTooLarge,
  UploadSizeExceeded,
  BytesMismatch,
  ChecksumMismatch
)

/**
 * @since 0.1.0
 * @category errors
 */
export type UploadError = typeof UploadError.Type

/**
 * @since 0.1.0
 * @category guards
 */
export const isUploadError = (u: unknown): u is UploadError => Schema.is(UploadError)(u)
