/**
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { PartId, UploadId } from "./Ids.js"
import * as wire from "./internal/wire.js"
import { Timestamp } from "./Timestamp.js"

/**
 * The response to `addPart`: the id of the stored part. The bytes themselves are not in it.
 *
 * @since 0.1.0
 * @category models
 */
export class UploadPart extends Schema.Class<UploadPart>("@effect-uploads/domain/UploadPart")(
  {
    id: PartId,
    object: wire.objectTag("upload.part"),
    createdAt: Schema.propertySignature(Timestamp).pipe(Schema.fromKey("created_at")),
    uploadId: Schema.propertySignature(UploadId).pipe(Schema.fromKey("upload_id"))
  },
  { identifier: "UploadPart", description: "A chunk of bytes that was added to an Upload" }
) {}
