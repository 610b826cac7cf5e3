/**
 * How the md5 of a whole file is computed while the file is sent.
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
 * The hasher itself failed, such as a thread that could not be started.
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
 * An md5 in the making: `update` with the bytes in their order, then `digest`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hash {
  /** Holds up other fibers for no more than a few milliseconds at a time. */
  readonly update: (bytes: Uint8Array) => Effect.Effect<void, Md5Failed>
  readonly digest: Effect.Effect<Md5, Md5Failed>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly make: Effect.Effect<Hash, never, Scope.Scope>
  /** The md5 of a whole file at a path, for a hasher that can read it by itself. */
  readonly file?: (path: string) => Effect.Effect<Md5, Md5Failed>
}

/** So much is hashed in a few milliseconds, and then whatever waits for the event loop has its turn. */
const turnBytes = 512 * 1024

const turns = function*(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += turnBytes) {
    yield bytes.subarray(offset, offset + turnBytes)
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
 * The hasher in force: JavaScript that runs anywhere, unless a layer provides a faster one.
 *
 * @since 0.1.0
 * @category services
 */
export class Md5Hasher extends Context.Reference<Md5Hasher>()<"@effect-uploads/transfer/Md5Hasher", Service>(
  "@effect-uploads/transfer/Md5Hasher",
  { defaultValue: () => portable }
) {}
