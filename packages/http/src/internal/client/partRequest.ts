import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import { ByteSize as ByteSizeSchema } from "@effect-uploads/domain/ByteSize"
import type { UploadId } from "@effect-uploads/domain/Ids"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import { PartTooLarge } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { totalBytes } from "../../ByteLimits.js"
import type { PartDataError } from "../../PartData.js"
import * as PartData from "../../PartData.js"
import * as multipart from "../multipart/writer.js"
import * as blobBody from "./blobBody.js"
import * as fileBody from "./fileBody.js"

/** A part that is ready to be sent, once for each attempt. */
export interface PartRequest {
  readonly bytes: ByteSize
  /** The body for one attempt. Reading stops when the scope of the attempt closes. */
  readonly body: Effect.Effect<HttpBody.HttpBody, never, Scope.Scope>
  /** The error of the part's source, if that is why the last attempt failed. */
  readonly sourceFailure: Effect.Effect<Option.Option<PartDataError | InvalidRequest>>
}

/** Checks everything about the part that can be checked before a connection is opened. */
export const make = (
  data: PartData.PartData,
  options: {
    readonly uploadId: UploadId
    readonly limits: Limits
    readonly form: "stream" | "blob" | undefined
    /** Whether the `HttpClient` reports how much of a Blob it has sent. */
    readonly reportsProgress: boolean
  }
): Effect.Effect<PartRequest, InvalidRequest | PartTooLarge | PartDataError> =>
  Effect.gen(function*() {
    const { limits, reportsProgress, uploadId } = options
    const announced = yield* PartData.validate(data, { uploadId, limit: limits.partBytes })
    const framing = yield* multipart.makeFraming
    const collected = PartData.collect(data, {
      limit: limits.partBytes,
      tooLarge: () => new PartTooLarge({ uploadId, limit: limits.partBytes })
    })

    if (options.form === "blob") {
      const { blob, onProgress } = partAsBlob(data) ??
        { blob: new Blob((yield* collected).map(toBlobPart)), onProgress: () => {} }
      const body = blobBody.make(framing, blob, onProgress)
      return {
        bytes: ByteSizeSchema.make(blob.size),
        body: Effect.sync(() => {
          // `fetch` does not tell how much it has sent.
          if (!reportsProgress) onProgress(blob.size)
          return body
        }),
        sourceFailure: unreadable(blob)
      }
    }

    if (Option.isNone(announced)) {
      const chunks = yield* collected
      const bytes = ByteSizeSchema.make(totalBytes(chunks))
      return {
        bytes,
        body: multipart.streamBody(framing, Stream.fromIterable(chunks), bytes),
        sourceFailure: Effect.succeedNone
      }
    }

    // HTTP clients wrap or replace the error of a body stream, so the original one is kept here.
    const failure = MutableRef.make(Option.none<PartDataError | InvalidRequest>())
    const onFailure = (error: PartDataError | InvalidRequest) => {
      MutableRef.set(failure, Option.some(error))
    }
    const bytes = announced.value
    const stream = Stream.tapError(PartData.toStream(data), (error) => Effect.sync(() => onFailure(error)))
    return {
      bytes,
      body: Effect.map(multipart.streamBody(framing, stream, bytes), (body) => {
        MutableRef.set(failure, Option.none())
        return fileBody.fromPart(body, data, framing, onFailure)
      }),
      sourceFailure: Effect.sync(() => MutableRef.get(failure))
    }
  })

/**
 * A client does not tell why it could not send a Blob. A file that was changed or removed since it was opened cannot be read any
 * more, not even one byte of it: https://w3c.github.io/FileAPI/#file-error-read.
 */
const unreadable = (blob: Blob): Effect.Effect<Option.Option<PartData.PartUnreadable>> =>
  Effect.tryPromise({
    try: () => blob.slice(0, 1).arrayBuffer(),
    catch: (cause) => new PartData.PartUnreadable({ cause })
  }).pipe(Effect.flip, Effect.option)

/** The Blob of a part that is one, and what is told of its bytes. */
const partAsBlob = (data: PartData.PartData) => {
  if (data instanceof Blob) return { blob: data, onProgress: () => {} }
  return data instanceof PartData.PartWithProgress && data.part instanceof Blob
    ? { blob: data.part, onProgress: data.onProgress }
    : undefined
}

/** A view, not a copy, unless the bytes are in a SharedArrayBuffer: a Blob cannot hold those. */
const toBlobPart = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes)
