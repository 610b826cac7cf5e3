/**
 * Where the bytes of Parts are kept.
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
 * Both ids are made by the server, never taken from a request.
 *
 * @since 0.1.0
 * @category models
 */
export interface PartKey {
  readonly uploadId: UploadId
  readonly partId: PartId
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Written {
  readonly bytes: ByteSize
  /** Of the bytes: Poly1305 under a key and a nonce of zeros, as in ChaCha20-Poly1305, in hexadecimal digits. */
  readonly checksum: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Writes a part once and for all: when it succeeds, the bytes survive the loss of power. When it fails or is interrupted
   * nothing is left of them.
   */
  readonly write: <E>(key: PartKey, data: Stream.Stream<Uint8Array, E>) => Effect.Effect<Written, E | StorageError>

  /** `bytes` bytes from `offset`; `Missing` where the part has not as many. */
  readonly read: (
    key: PartKey,
    range: { readonly offset: number; readonly bytes: number }
  ) => Stream.Stream<Uint8Array, StorageError>

  /** No failure if it is not there. */
  readonly remove: (key: PartKey) => Effect.Effect<void, StorageError>

  /** Every part of an Upload, written or half-written; no failure if there is none. */
  readonly removeUpload: (uploadId: UploadId) => Effect.Effect<void, StorageError>

  /** Every part that takes room, written or half-written, in no order. */
  readonly list: Stream.Stream<PartKey, StorageError>

  /** Succeeds if parts can be written. */
  readonly ping: Effect.Effect<void, StorageError>
}

/**
 * @since 0.1.0
 * @category services
 */
export class PartStorage extends Context.Tag("@effect-uploads/server/PartStorage")<PartStorage, Service>() {}
