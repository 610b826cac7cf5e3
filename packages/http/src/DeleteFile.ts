/**
 * The response to the deletion of a File.
 *
 * @since 0.1.0
 */
import { FileId } from "@effect-uploads/domain/Ids"
import * as Schema from "effect/Schema"

/**
 * @since 0.1.0
 * @category models
 */
export class DeleteFileResponse extends Schema.Class<DeleteFileResponse>("@effect-uploads/http/DeleteFileResponse")(
  {
    id: FileId,
    object: Schema.Literal("file").pipe(Schema.propertySignature, Schema.withConstructorDefault(() => "file" as const)),
    deleted: Schema.Boolean
  },
  { identifier: "DeleteFileResponse" }
) {}
