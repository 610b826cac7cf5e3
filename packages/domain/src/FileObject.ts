/**
 * The File that a completed Upload yields.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ByteSize } from "./ByteSize.js"
import type { DocumentedPurpose } from "./FilePurpose.js"
import { FilePurpose } from "./FilePurpose.js"
import { FileId } from "./Ids.js"
import * as wire from "./internal/wire.js"
import { Timestamp } from "./Timestamp.js"

/**
 * The wire's `File` object, named as in the official SDKs because `File` is a global of its own.
 *
 * `status` is deprecated by the service; where an answer leaves it out, the file counts as `processed`.
 *
 * @since 0.1.0
 * @category models
 */
export class FileObject extends Schema.Class<FileObject>("@effect-uploads/domain/FileObject")(
  {
    id: FileId,
    object: wire.objectTag("file"),
    bytes: ByteSize,
    createdAt: Schema.propertySignature(Timestamp).pipe(Schema.fromKey("created_at")),
    expiresAt: wire.optional(Timestamp).pipe(Schema.fromKey("expires_at")),
    filename: Schema.String,
    // The documented wire type is a closed list, while a purpose that came later passes through unchanged.
    purpose: Schema.make<FilePurpose, DocumentedPurpose>(FilePurpose.ast),
    status: wire.requiredWithFallback(Schema.Literal("uploaded", "processed", "error"), "processed"),
    statusDetails: wire.optional(Schema.String).pipe(Schema.fromKey("status_details"))
  },
  { identifier: "File", description: "A document that can be used with the rest of the platform" }
) {}

/**
 * A File at or past `expiresAt` is gone, whatever a service last said of it.
 *
 * @since 0.1.0
 * @category guards
 */
export const hasExpired = (self: FileObject, now: DateTime.DateTime): boolean =>
  Option.match(self.expiresAt, { onNone: () => false, onSome: (at) => DateTime.lessThanOrEqualTo(at, now) })
