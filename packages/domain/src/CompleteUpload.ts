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
 * `partIds` in the order of the file, whatever the order in which the parts were added; `md5` of the whole file, if the
 * service is to verify it.
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
 * Everything about the request that can be known without the service.
 *
 * @since 0.1.0
 * @category guards
 */
export const validate = (request: CompleteUpload): Either.Either<CompleteUpload, InvalidRequest> =>
  Either.mapLeft(validateSchema(request), fromParseError)
