/**
 * The record of a successful call with an `Idempotency-Key`, which a service keeps to recognize a repeated call.
 *
 * A client that lost the response to a call sends the call again with the same key. The service then returns the first
 * response and changes nothing. A key that comes again with another request is an `InvalidRequest`.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { UploadId } from "./Ids.js"
import { Cancelled, Completed, Pending } from "./Upload.js"
import { InvalidRequest } from "./UploadError.js"
import { UploadPart } from "./UploadPart.js"

/**
 * The `field` of an `InvalidRequest` about an idempotency key: the name of the header.
 *
 * @since 0.1.0
 * @category constants
 */
export const field = "Idempotency-Key"

/** A digest of the request. Two calls with the same key are the same call if their digests are equal. */
const request = Schema.String

/**
 * @since 0.1.0
 * @category models
 */
export class CreateRecord extends Schema.TaggedClass<CreateRecord>("@effect-uploads/domain/CreateRecord")(
  "CreateRecord",
  { request, response: Pending },
  { identifier: "CreateRecord" }
) {}

/**
 * @since 0.1.0
 * @category models
 */
export class AddPartRecord extends Schema.TaggedClass<AddPartRecord>("@effect-uploads/domain/AddPartRecord")(
  "AddPartRecord",
  { request, response: UploadPart },
  { identifier: "AddPartRecord" }
) {}

/**
 * @since 0.1.0
 * @category models
 */
export class CompleteRecord extends Schema.TaggedClass<CompleteRecord>("@effect-uploads/domain/CompleteRecord")(
  "CompleteRecord",
  { request, response: Completed },
  { identifier: "CompleteRecord" }
) {}

/**
 * @since 0.1.0
 * @category models
 */
export class CancelRecord extends Schema.TaggedClass<CancelRecord>("@effect-uploads/domain/CancelRecord")(
  "CancelRecord",
  { request, response: Cancelled },
  { identifier: "CancelRecord" }
) {}

/**
 * A call that succeeded: its operation, a digest of its request, and its response.
 *
 * @since 0.1.0
 * @category schemas
 */
export const IdempotencyRecord = Schema.Union(CreateRecord, AddPartRecord, CompleteRecord, CancelRecord)

/**
 * @since 0.1.0
 * @category models
 */
export type IdempotencyRecord = typeof IdempotencyRecord.Type

/**
 * The Upload that the call was about.
 *
 * @since 0.1.0
 * @category getters
 */
export const uploadIdOf = (record: IdempotencyRecord): UploadId =>
  record._tag === "AddPartRecord" ? record.response.uploadId : record.response.id

/**
 * One of the four operations: the guard and the constructor of its records.
 *
 * @since 0.1.0
 * @category models
 */
export interface Operation<Record extends IdempotencyRecord> {
  readonly is: (record: IdempotencyRecord) => record is Record
  /** `request` is the digest of the request. */
  readonly make: (fields: { readonly request: string; readonly response: Record["response"] }) => Record
}

/**
 * @since 0.1.0
 * @category constants
 */
export const create: Operation<CreateRecord> = {
  is: Schema.is(CreateRecord),
  make: (fields) => new CreateRecord(fields)
}

/**
 * @since 0.1.0
 * @category constants
 */
export const addPart: Operation<AddPartRecord> = {
  is: Schema.is(AddPartRecord),
  make: (fields) => new AddPartRecord(fields)
}

/**
 * @since 0.1.0
 * @category constants
 */
export const complete: Operation<CompleteRecord> = {
  is: Schema.is(CompleteRecord),
  make: (fields) => new CompleteRecord(fields)
}

/**
 * @since 0.1.0
 * @category constants
 */
export const cancel: Operation<CancelRecord> = {
  is: Schema.is(CancelRecord),
  make: (fields) => new CancelRecord(fields)
}

/**
 * A call: its operation and a digest of its request.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call<Record extends IdempotencyRecord> {
  readonly operation: Operation<Record>
  /** The digest of the request. */
  readonly request: string
}

/**
 * The first response, if the call is the recorded one. Fails with `InvalidRequest` if the key belongs to another call.
 *
 * @since 0.1.0
 * @category guards
 */
export const replay = <Record extends IdempotencyRecord>(
  record: IdempotencyRecord,
  { operation, request }: Call<Record>
): Either.Either<Record["response"], InvalidRequest> =>
  operation.is(record) && record.request === request
    ? Either.right(record.response)
    : Either.left(
      new InvalidRequest({
        field,
        problem: "the key was used for another request",
        limit: "a new key for each request, the same key only when a request is sent again"
      })
    )
