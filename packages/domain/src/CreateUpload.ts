/**
 * The request that creates an Upload.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ByteSize } from "./ByteSize.js"
import { defaultFor, ExpiresAfter } from "./ExpiresAfter.js"
import { FilePurpose, UploadPurpose } from "./FilePurpose.js"
import * as wire from "./internal/wire.js"
import { MimeType } from "./MimeType.js"
import { fromParseError, InvalidRequest } from "./UploadError.js"
import type { Limits } from "./UploadLimits.js"

/**
 * `bytes` is the exact size of the whole file; `expiresAfter` is how long the File is to live.
 *
 * A request is the caller's own word, so its fields are plain; {@link validate} says what is wrong with them.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateUpload = Schema.Struct({
  // The documented wire type is any text. What it must be is told by the refusal.
  filename: Schema.NonEmptyString.annotations({ jsonSchema: { type: "string" } }),
  purpose: FilePurpose,
  bytes: Schema.NonNegativeInt.annotations({ description: "a number of bytes from 0 to 2^53 - 1" }),
  mimeType: Schema.propertySignature(MimeType).pipe(Schema.fromKey("mime_type")),
  expiresAfter: wire.optionalOfRequest(ExpiresAfter).pipe(Schema.fromKey("expires_after"))
}).annotations({ identifier: "CreateUploadRequest" })

/**
 * @since 0.1.0
 * @category models
 */
export interface CreateUpload extends Schema.Schema.Type<typeof CreateUpload> {}

const Validated = Schema.Struct({ ...CreateUpload.fields, bytes: ByteSize })

/**
 * A request that {@link validate} found nothing wrong with.
 *
 * @since 0.1.0
 * @category models
 */
export interface Validated extends Schema.Schema.Type<typeof Validated> {}

const validateSchema = Schema.validateEither(Validated)

/**
 * Everything about the request that can be known without the service.
 *
 * @since 0.1.0
 * @category guards
 */
export const validate = (request: CreateUpload, limits: Limits): Either.Either<Validated, InvalidRequest> =>
  validateSchema(request).pipe(
    Either.mapLeft(fromParseError),
    Either.filterOrLeft(
      ({ bytes }) => bytes <= limits.uploadBytes,
      ({ bytes }) =>
        new InvalidRequest({
          field: "bytes",
          problem: `${bytes} bytes are more than an Upload can hold`,
          limit: `at most ${limits.uploadBytes} bytes`
        })
    )
  )

/**
 * A request that a service takes: the purpose is one that it knows, and it is settled when the File expires.
 *
 * @since 0.1.0
 * @category models
 */
export interface Accepted extends Validated {
  readonly purpose: UploadPurpose
  /** How long the File lives: what was asked for, else what its purpose has by default. */
  readonly fileLifetime: Option.Option<ExpiresAfter>
}

const isUploadPurpose = Schema.is(UploadPurpose)

/**
 * What a service checks: a client leaves the purpose to it, because more will come.
 *
 * @since 0.1.0
 * @category guards
 */
export const accept = (request: CreateUpload, limits: Limits): Either.Either<Accepted, InvalidRequest> =>
  Either.flatMap(validate(request, limits), (valid) => {
    const { purpose } = valid
    return isUploadPurpose(purpose)
      ? Either.right({
        ...valid,
        purpose,
        fileLifetime: Option.orElse(Option.fromNullable(valid.expiresAfter), () => defaultFor(purpose))
      })
      : Either.left(
        new InvalidRequest({
          field: "purpose",
          problem: `got ${JSON.stringify(purpose)}`,
          limit: UploadPurpose.literals.join(", ")
        })
      )
  })
