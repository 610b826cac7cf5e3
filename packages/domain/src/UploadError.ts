/**
 * Why an operation on an Upload is refused: one error for each reason on which a caller acts differently.
 *
 * Each carries the facts that are known. Fields about the service's side are absent where an error comes from a
 * service that does not tell them. `response` is what the service said, absent where the reason was found locally.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { ByteSize } from "./ByteSize.js"
import { ErrorResponse, explain } from "./ErrorResponse.js"
import { FileId, PartId, UploadId } from "./Ids.js"
import * as parseIssue from "./internal/parseIssue.js"
import { Md5 } from "./Md5.js"
import { Timestamp } from "./Timestamp.js"

const known = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { exact: true })

const response = known(ErrorResponse)

/**
 * The request cannot be right, whatever the state of the Upload: change it, do not send it again.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("@effect-uploads/domain/InvalidRequest")(
  "InvalidRequest",
  {
    /** The field in the words of the API, such as `expires_after.seconds`; absent when the service names none. */
    field: known(Schema.String),
    /** What is wrong with its value. */
    problem: Schema.String,
    /** What the value must be. */
    limit: known(Schema.String),
    response
  },
  { identifier: "InvalidRequest" }
) {
  override get message(): string {
    const where = this.field === undefined ? "Invalid request" : `Invalid \`${this.field}\``
    const limit = this.limit === undefined ? "" : `; it must be ${this.limit}`
    return explain(`${where}: ${this.problem}${limit}`, this.response)
  }
}

/**
 * The first finding of a schema as an error of the API. Fields are named as on the wire, whichever side was checked.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromParseError = (error: ParseResult.ParseError): InvalidRequest => {
  const { expected, path, problem } = parseIssue.first(error.issue)
  const field = path.map((key) => String(key).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).join(".")
  return new InvalidRequest({ ...(field === "" ? {} : { field }), problem, limit: expected })
}

/**
 * No such Upload: never created, created with another project's key, or forgotten by the service.
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
    return explain(`Upload ${this.uploadId} was not found`, this.response)
  }
}

/**
 * The Upload was completed before: its File exists.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadAlreadyCompleted
  extends Schema.TaggedError<UploadAlreadyCompleted>("@effect-uploads/domain/UploadAlreadyCompleted")(
    "UploadAlreadyCompleted",
    { uploadId: UploadId, fileId: known(FileId), response },
    { identifier: "UploadAlreadyCompleted" }
  )
{
  override get message(): string {
    const file = this.fileId === undefined ? "" : ` as File ${this.fileId}`
    return explain(`Upload ${this.uploadId} is already completed${file}`, this.response)
  }
}

/**
 * The Upload was cancelled before: its parts are gone.
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
    return explain(`Upload ${this.uploadId} is already cancelled`, this.response)
  }
}

/**
 * The Upload was not completed in time: start a new one.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadExpired extends Schema.TaggedError<UploadExpired>("@effect-uploads/domain/UploadExpired")(
  "UploadExpired",
  { uploadId: UploadId, expiredAt: known(Timestamp), response },
  { identifier: "UploadExpired" }
) {
  override get message(): string {
    const when = this.expiredAt === undefined ? "" : ` at ${DateTime.formatIso(this.expiredAt)}`
    return explain(`Upload ${this.uploadId} expired${when}`, this.response)
  }
}

/**
 * A part id at completion is none of the Upload's.
 *
 * @since 0.1.0
 * @category errors
 */
export class PartNotFound extends Schema.TaggedError<PartNotFound>("@effect-uploads/domain/PartNotFound")(
  "PartNotFound",
  { uploadId: UploadId, partId: known(PartId), response },
  { identifier: "PartNotFound" }
) {
  override get message(): string {
    return explain(`Part ${this.partId ?? "(not named)"} was not found in Upload ${this.uploadId}`, this.response)
  }
}

/**
 * A part has more bytes than a part may have: send it in smaller parts.
 *
 * @since 0.1.0
 * @category errors
 */
export class PartTooLarge extends Schema.TaggedError<PartTooLarge>("@effect-uploads/domain/PartTooLarge")(
  "PartTooLarge",
  {
    uploadId: UploadId,
    /** The size of the part in bytes; absent where it was refused before its end was seen. */
    bytes: known(ByteSize),
    /** The most bytes that a part may have. */
    limit: known(ByteSize),
    response
  },
  { identifier: "PartTooLarge" }
) {
  override get message(): string {
    const size = this.bytes === undefined ? "" : ` of ${this.bytes} bytes`
    const limit = this.limit === undefined ? "" : `; the limit is ${this.limit} bytes`
    return explain(`A part${size} is too large for Upload ${this.uploadId}${limit}`, this.response)
  }
}

/**
 * A part would take the Upload past the bytes that it declared.
 *
 * @since 0.1.0
 * @category errors
 */
export class UploadSizeExceeded
  extends Schema.TaggedError<UploadSizeExceeded>("@effect-uploads/domain/UploadSizeExceeded")(
    "UploadSizeExceeded",
    {
      uploadId: UploadId,
      /** The bytes that the Upload was created with. */
      declared: known(ByteSize),
      /** The bytes that it would hold with this part; absent where the part was refused before its end was seen. */
      received: known(ByteSize),
      response
    },
    { identifier: "UploadSizeExceeded" }
  )
{
  override get message(): string {
    const declared = this.declared === undefined ? "" : `: it declared ${this.declared} bytes`
    const received = this.received === undefined ? "" : ` and would hold ${this.received}`
    return explain(`The part takes Upload ${this.uploadId} past its size${declared}${received}`, this.response)
  }
}

/**
 * At completion the parts do not add up to the bytes that the Upload declared.
 *
 * @since 0.1.0
 * @category errors
 */
export class BytesMismatch extends Schema.TaggedError<BytesMismatch>("@effect-uploads/domain/BytesMismatch")(
  "BytesMismatch",
  {
    uploadId: UploadId,
    /** The bytes that the Upload was created with. */
    declared: known(ByteSize),
    /** The bytes of the parts that were listed. */
    received: known(ByteSize),
    response
  },
  { identifier: "BytesMismatch" }
) {
  override get message(): string {
    const declared = this.declared === undefined ? "" : `: it declared ${this.declared} bytes`
    const received = this.received === undefined ? "" : `, the listed parts have ${this.received}`
    return explain(`The parts of Upload ${this.uploadId} do not add up${declared}${received}`, this.response)
  }
}

/**
 * At completion the md5 of the parts is not the md5 that was given: the bytes changed on the way, or the order is
 * wrong.
 *
 * @since 0.1.0
 * @category errors
 */
export class ChecksumMismatch extends Schema.TaggedError<ChecksumMismatch>("@effect-uploads/domain/ChecksumMismatch")(
  "ChecksumMismatch",
  {
    uploadId: UploadId,
    /** The md5 that was given. */
    expected: known(Md5),
    /** The md5 that the service found. */
    actual: known(Md5),
    response
  },
  { identifier: "ChecksumMismatch" }
) {
  override get message(): string {
    const expected = this.expected === undefined ? "" : `: expected ${this.expected}`
    const actual = this.actual === undefined ? "" : `, found ${this.actual}`
    return explain(`The md5 of Upload ${this.uploadId} does not match${expected}${actual}`, this.response)
  }
}

/**
 * Why an Upload takes no more commands.
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
