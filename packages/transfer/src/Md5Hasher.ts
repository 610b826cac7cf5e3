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
import { fastest, inTurns } from "./internal/md5/portable.js"

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
  /** Blocks the event loop for a few milliseconds at most. The bytes are not used after the effect has ended. */
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

const portable: Service = { make: Effect.map(fastest, inTurns) }

/**
 * The hasher of all transfers. The default computes in this thread, by the fastest that the runtime has: `node:crypto`, else
 * WebAssembly, else JavaScript. It hands the event loop back every 1 or 2 milliseconds.
 *
 * @since 0.1.0
 * @category services
 */
export class Md5Hasher extends Context.Reference<Md5Hasher>()<"@effect-uploads/transfer/Md5Hasher", Service>(
  "@effect-uploads/transfer/Md5Hasher",
  { defaultValue: () => portable }
) {}
