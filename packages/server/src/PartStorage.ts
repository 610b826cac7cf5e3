/**
 * Stores the bytes of Parts.
 *
 * @since 0.1.0
 */
import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { StorageError } from "./StorageError.js"

/**
 * Identifies a part. The server makes both ids; they never come from a request.
 *
 * @since 0.1.0
 * @category models
 */
export interface PartKey {
  readonly uploadId: UploadId
  readonly partId: PartId
}

/**
 * The bytes of a part from `offset` on.
 *
 * @since 0.1.0
 * @category models
 */
export interface ByteRange {
  readonly offset: number
  readonly bytes: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Written {
  readonly bytes: ByteSize
  /** Poly1305 of the bytes with a key and a nonce of zeros, as in ChaCha20-Poly1305, in hexadecimal digits. */
  readonly checksum: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Writes a part. When it succeeds, the bytes survive the loss of power. When it fails or is interrupted, no bytes are left
   * behind.
   */
  readonly write: <E>(key: PartKey, data: Stream.Stream<Uint8Array, E>) => Effect.Effect<Written, E | StorageError>

  /** Reads the bytes of a range. Fails with `Missing` if the part has fewer. */
  readonly read: (key: PartKey, range: ByteRange) => Stream.Stream<Uint8Array, StorageError>

  /**
   * Reads small ranges, one of each part, in the order of the list: at most 64 ranges and 256 KiB in all. A stream for each of
   * thousands of small parts would cost more than their bytes. Fails with `Missing` if a part has fewer bytes.
   */
  readonly readSmall: (
    ranges: ReadonlyArray<readonly [key: PartKey, range: ByteRange]>
  ) => Effect.Effect<ReadonlyArray<Uint8Array>, StorageError>

  /** Succeeds if the part does not exist. */
  readonly remove: (key: PartKey) => Effect.Effect<void, StorageError>

  /** Removes all parts of an Upload, complete and partial ones. Succeeds if there are none. */
  readonly removeUpload: (uploadId: UploadId) => Effect.Effect<void, StorageError>

  /** All stored parts, complete and partial ones. Those of an Upload are adjacent. */
  readonly list: Stream.Stream<PartKey, StorageError>

  /** Succeeds if parts can be written. */
  readonly ping: Effect.Effect<void, StorageError>
}

/**
 * @since 0.1.0
 * @category services
 */
export class PartStorage extends Context.Tag("@effect-uploads/server/PartStorage")<PartStorage, Service>() {}
