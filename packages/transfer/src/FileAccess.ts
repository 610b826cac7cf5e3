/**
 * The facts about files that a transfer needs and `FileSystem` does not have.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"

/**
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * When the contents or the properties of a file last changed, in milliseconds since 1970. Unlike the modification time it cannot
   * be set. None where it is not known.
   */
  readonly changedAt: (path: string) => Effect.Effect<Option.Option<number>>
  /** Reads a pipe or a device from where it is, because it has no positions. None where the platform has no way to do so. */
  readonly readPipe: (
    path: string,
    options: { readonly chunkBytes: number }
  ) => Option.Option<Stream.Stream<Uint8Array, unknown>>
}

/**
 * The file access of all transfers. The default knows no change times and reads no pipes, because `FileSystem` does neither. Under
 * Node, provide `NodeFileAccess.layer`.
 *
 * @since 0.1.0
 * @category services
 */
export class FileAccess extends Context.Reference<FileAccess>()<"@effect-uploads/transfer/FileAccess", Service>(
  "@effect-uploads/transfer/FileAccess",
  { defaultValue: () => ({ changedAt: () => Effect.succeedNone, readPipe: () => Option.none() }) }
) {}
