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
import { UploadPurpose } from "./FilePurpose.js"
import * as wire from "./internal/wire.js"
import { MimeType } from "./MimeType.js"
import { Filename, Purpose } from "./RequestText.js"
import { fromParseError, InvalidRequest } from "./UploadError.js"
import type { Limits } from "./UploadLimits.js"

/**
 * `bytes` is the exact size of the whole file. `expiresAfter` is the lifetime of the File, counted from the creation of the
 * Upload; without it the default of the purpose applies.
 *
 * The fields are plain strings and numbers, so that a caller writes no brands. {@link validate} checks them.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateUpload = Schema.Struct({
  filename: Filename,
  purpose: Purpose,
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
 * A request that passed {@link validate}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Validated extends Schema.Schema.Type<typeof Validated> {}

const validateSchema = Schema.validateEither(Validated)

/**
 * Checks the request as far as that is possible without the service. The error names the field, the problem and the limit.
 *
 * @example
 * ```ts
 * import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
 * import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
 *
 * export const checked = CreateUpload.validate(
 *   { filename: "training.jsonl", purpose: "fine-tune", bytes: 1_000_000, mimeType: "text/jsonl" },
 *   UploadLimits.documented
 * )
 * ```
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
 * A request that a service accepts: the service knows the purpose, and the lifetime of the File is decided.
 *
 * @since 0.1.0
 * @category models
 */
export interface Accepted extends Validated {
  readonly purpose: UploadPurpose
  /** The lifetime of the File: the requested one, else the default of the purpose. None: the File does not expire. */
  readonly fileLifetime: Option.Option<ExpiresAfter>
}

const isUploadPurpose = Schema.is(UploadPurpose)

/**
 * The check of a service: {@link validate}, and the purpose is a known one. A client does not check the purpose, because
 * a service may know newer ones.
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
