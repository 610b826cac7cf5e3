/**
 * The File that a completed Upload becomes.
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
 * The `File` object of the API. The class is named `FileObject`, as in the official SDKs, because `File` is a global.
 *
 * The API deprecates `status`. A response without it decodes as `processed`.
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
    // The documented wire type is a closed list. At run time a newer purpose passes through unchanged.
    purpose: Schema.make<FilePurpose, DocumentedPurpose>(FilePurpose.ast),
    status: wire.requiredWithFallback(Schema.Literal("uploaded", "processed", "error"), "processed"),
    statusDetails: wire.optional(Schema.String).pipe(Schema.fromKey("status_details"))
  },
  { identifier: "File", description: "A document that can be used with the rest of the platform" }
) {}

/**
 * True from `expiresAt` on. A service may still list an expired File, so the clock decides and not the service.
 *
 * @since 0.1.0
 * @category guards
 */
export const hasExpired = (self: FileObject, now: DateTime.DateTime): boolean =>
  Option.match(self.expiresAt, { onNone: () => false, onSome: (at) => DateTime.lessThanOrEqualTo(at, now) })
