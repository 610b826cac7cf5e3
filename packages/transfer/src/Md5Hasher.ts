/**
 * Computes the md5 of a whole file while the file is sent.
 *
 * @since 0.1.0
 */
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { md5 } from "js-md5"

/**
 * The hasher failed, for example because a thread could not be started.
 *
 * @since 0.1.0
 * @category errors
 */
export class Md5Failed extends Schema.TaggedError<Md5Failed>("@effect-uploads/transfer/Md5Failed")("Md5Failed", {
  cause: Schema.Defect
}) {
  override get message(): string {
    return `The md5 could not be computed: ${String(this.cause)}`
  }
}

/**
 * One md5 computation: `update` with all bytes in their order, then `digest`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hash {
  /** Blocks the event loop for a few milliseconds at most. */
  readonly update: (bytes: Uint8Array) => Effect.Effect<void, Md5Failed>
  readonly digest: Effect.Effect<Md5, Md5Failed>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly make: Effect.Effect<Hash, never, Scope.Scope>
  /** Computes the md5 of the file at a path. Absent in a hasher that cannot read files. */
  readonly file?: (path: string) => Effect.Effect<Md5, Md5Failed>
}

/** Hashing so many bytes takes a few milliseconds. The event loop runs other work before the next bytes. */
const bytesPerTurn = 512 * 1024

const turns = function*(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += bytesPerTurn) {
    yield bytes.subarray(offset, offset + bytesPerTurn)
  }
}

const portable: Service = {
  make: Effect.sync(() => {
    const hash = md5.create()
    return {
      update: (bytes) =>
        Effect.forEach(turns(bytes), (turn) => Effect.zipRight(Effect.sync(() => hash.update(turn)), Effect.sleep(0)), {
          discard: true
        }),
      digest: Effect.sync(() => hash.hex())
    }
  })
}

/**
 * The hasher of all transfers. The default is JavaScript that runs anywhere.
 *
 * @since 0.1.0
 * @category services
 */
export class Md5Hasher extends Context.Reference<Md5Hasher>()<"@effect-uploads/transfer/Md5Hasher", Service>(
  "@effect-uploads/transfer/Md5Hasher",
  { defaultValue: () => portable }
) {}
