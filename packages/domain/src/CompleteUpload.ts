/**
 * The request that completes an Upload.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { PartId } from "./Ids.js"
import * as wire from "./internal/wire.js"
import { Md5 } from "./Md5.js"
import type { InvalidRequest } from "./UploadError.js"
import { fromParseError } from "./UploadError.js"

/**
 * `partIds` lists the parts in the order of the file. That order may differ from the order in which the parts were added.
 * `md5` is the checksum of the whole file. The service verifies it if it is present.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CompleteUpload = Schema.Struct({
  partIds: Schema.propertySignature(Schema.Array(PartId)).pipe(Schema.fromKey("part_ids")),
  md5: wire.optionalOfRequest(Md5)
}).annotations({ identifier: "CompleteUploadRequest" })

/**
 * @since 0.1.0
 * @category models
 */
export interface CompleteUpload extends Schema.Schema.Type<typeof CompleteUpload> {}

const validateSchema = Schema.validateEither(CompleteUpload)

/**
 * Checks the request as far as that is possible without the service. The error names the field, the problem and the limit.
 *
 * @example
 * ```ts
 * import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
 * import { PartId } from "@effect-uploads/domain/Ids"
 *
 * export const checked = CompleteUpload.validate({ partIds: [PartId.make("part_1"), PartId.make("part_2")] })
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const validate = (request: CompleteUpload): Either.Either<CompleteUpload, InvalidRequest> =>
  Either.mapLeft(validateSchema(request), fromParseError)
