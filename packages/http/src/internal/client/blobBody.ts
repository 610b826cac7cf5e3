import * as HttpBody from "@effect/platform/HttpBody"
import * as Context from "effect/Context"
import type { Framing } from "../multipart/writer.js"

/** Whether the `HttpClient` calls {@link BlobBody.onProgress} while it sends. */
export class ReportsBlobProgress extends Context.Reference<ReportsBlobProgress>()<
  "@effect-uploads/http/ReportsBlobProgress",
  boolean
>("@effect-uploads/http/ReportsBlobProgress", { defaultValue: () => false }) {}

const TypeId: unique symbol = Symbol.for("@effect-uploads/http/BlobBody")

/** The body of a part that is a Blob. Its length is known, and it is read from where it is: from the disk, if it is a file. */
export interface BlobBody extends HttpBody.Raw {
  readonly [TypeId]: typeof TypeId
  /** The whole body. */
  readonly blob: Blob
  /** The size of what comes before the part. */
  readonly headBytes: number
  readonly partBytes: number
  /** Receives the numbers of bytes of the part that were sent. */
  readonly onProgress: (bytes: number) => void
}

export const isBlobBody = (body: HttpBody.HttpBody): body is BlobBody => TypeId in body

export const make = (framing: Framing, part: Blob, onProgress: (bytes: number) => void): BlobBody => {
  const blob = new Blob([framing.head, part, framing.tail])
  return Object.assign(
    HttpBody.raw(blob, { contentType: framing.contentType, contentLength: blob.size }),
    { [TypeId]: TypeId, blob, headBytes: framing.head.byteLength, partBytes: part.size, onProgress } as const
  )
}
