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
import type { PartDataError } from "../../PartData.js"
import * as PartData from "../../PartData.js"
import * as multipart from "../multipart/writer.js"
import * as fileBody from "./fileBody.js"

/** A part that is ready to be sent, as often as it takes. */
export interface PartRequest {
  readonly bytes: ByteSize
  /** The body for one attempt, whose scope it is: whatever reads the body ends with it. */
  readonly body: Effect.Effect<HttpBody.HttpBody, never, Scope.Scope>
  /** Why the last attempt could not read the part, if that is why it failed. */
  readonly sourceFailure: Effect.Effect<Option.Option<PartDataError | InvalidRequest>>
}

/** Everything that can be known of the part locally is checked here, before a connection is opened. */
export const make = (
  data: PartData.PartData,
  options: {
    readonly uploadId: UploadId
    readonly limits: Limits
    readonly form: "stream" | "blob" | undefined
  }
): Effect.Effect<PartRequest, InvalidRequest | PartTooLarge | PartDataError> =>
  Effect.gen(function*() {
    const { limits, uploadId } = options
    const announced = yield* PartData.validate(data, { uploadId, limit: limits.partBytes })
    const framing = yield* multipart.makeFraming
    const held = PartData.collect(data, {
      limit: limits.partBytes,
      tooLarge: () => new PartTooLarge({ uploadId, limit: limits.partBytes })
    })

    if (options.form === "blob") {
      const blobParts = data instanceof Blob ? [data] : (yield* held).map(toBlobPart)
      const body = multipart.blobBody(framing, blobParts)
      return {
        bytes: Option.getOrElse(announced, () =>
          sum(blobParts.map((part) => part instanceof Blob ? part.size : part.byteLength))),
        body: Effect.succeed(body),
        sourceFailure: Effect.succeedNone
      }
    }

    if (Option.isNone(announced)) {
      const chunks = yield* held
      const bytes = sum(chunks.map((chunk) =>
        chunk.byteLength
      ))
      return {
        bytes,
        body: multipart.streamBody(framing, Stream.fromIterable(chunks), bytes),
        sourceFailure: Effect.succeedNone
      }
    }

    // HTTP clients wrap or replace the error of a body stream: remember the true one.
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
        return fileBody.remember(body, data, framing, onFailure)
      }),
      sourceFailure: Effect.sync(() => MutableRef.get(failure))
    }
  })

const sum = (sizes: ReadonlyArray<number>): ByteSize => ByteSizeSchema.make(sizes.reduce((a, b) => a + b, 0))

/** A view, not a copy, unless the bytes are shared between threads: a Blob cannot hold those. */
const toBlobPart = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes)
