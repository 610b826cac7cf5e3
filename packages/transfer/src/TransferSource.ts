/**
 * The sources of a transfer: what is sent, and the name of its File.
 *
 * @since 0.1.0
 */
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as blobSource from "./internal/sources/blob.js"
import * as bytesSource from "./internal/sources/bytes.js"
import * as fileSource from "./internal/sources/file.js"
import * as httpBody from "./internal/sources/httpBody.js"
import type { Source } from "./internal/sources/source.js"
import * as spool from "./internal/sources/spool.js"
import * as streamSource from "./internal/sources/stream.js"
import type { SourceError } from "./SourceError.js"

/**
 * One source. `R` are the services that it needs.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransferSource<out R = never> {
  /** The path. The name of the File for a source without a path. */
  readonly name: string
  /**
   * The number of bytes, as far as it is known before the source is opened.
   *
   * @internal
   */
  readonly bytes: Effect.Effect<Option.Option<number>, never, R>
  /** @internal */
  readonly open: (
    purpose: string,
    limits: Limits,
    scope: Scope.Scope
  ) => Effect.Effect<Source, SourceError | InvalidRequest, R>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface NameOptions {
  /** The name of the File. Default: the name of the source. */
  readonly filename?: string | undefined
}

/**
 * The options of a source that has no name of its own.
 *
 * @since 0.1.0
 * @category models
 */
export interface FilenameOptions {
  /** The name of the File. */
  readonly filename: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StreamOptions extends FilenameOptions {
  /**
   * The number of bytes of the stream. Without it the stream is read to its end before the transfer begins: into a temporary file
   * if the context has a `FileSystem`, else into memory, up to 256 MiB.
   */
  readonly bytes?: number | undefined
}

const known = (bytes: number) => Effect.succeedSome(bytes)

/**
 * The file at a path. It is read as `Transfer.file` reads it.
 *
 * @example
 * ```ts
 * import * as TransferSource from "@effect-uploads/transfer/TransferSource"
 *
 * export const source = TransferSource.file("./2026-01.csv", { filename: "january.csv" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const file = (path: string, options?: NameOptions): TransferSource<FileSystem.FileSystem> => ({
  name: path,
  bytes: Effect.flatMap(
    FileSystem.FileSystem,
    (fs) => Effect.option(Effect.map(fs.stat(path), ({ size }) => Number(size)))
  ),
  open: (purpose, limits, scope) =>
    Scope.extend(fileSource.make(path, { filename: options?.filename, purpose }, limits), scope)
})

/**
 * Bytes that are in memory. They are not copied.
 *
 * @example
 * ```ts
 * import * as TransferSource from "@effect-uploads/transfer/TransferSource"
 *
 * export const source = TransferSource.bytes(new TextEncoder().encode("Some text."), { filename: "note.txt" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const bytes = (data: Uint8Array, { filename }: FilenameOptions): TransferSource => ({
  name: filename,
  bytes: known(data.byteLength),
  open: (_, limits) => bytesSource.make(data, filename, limits)
})

/**
 * A `Blob` or `File`. The name of a `File` is the default of `filename`. With a `TransferJournal` the transfer of a `File` is
 * resumed by a `File` of the same name, size and modification time.
 *
 * @example
 * ```ts
 * import * as TransferSource from "@effect-uploads/transfer/TransferSource"
 *
 * export const source = TransferSource.blob(new Blob(["Some text."]), { filename: "note.txt" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const blob = (data: Blob, options?: NameOptions): TransferSource => {
  const name = options?.filename ?? (data instanceof File ? data.name : "blob")
  return {
    name,
    bytes: known(data.size),
    open: (purpose, limits) =>
      Effect.map(
        blobSource.make(data, { filename: name, purpose }, limits),
        (source) => ({ ...source, mimeType: data.type === "" ? undefined : data.type })
      )
  }
}

/**
 * A stream. It is read as `Transfer.stream` reads it.
 *
 * @example
 * ```ts
 * import * as TransferSource from "@effect-uploads/transfer/TransferSource"
 * import * as Stream from "effect/Stream"
 *
 * const lines = Stream.make("{\"a\":1}\n", "{\"a\":2}\n").pipe(Stream.encodeText)
 *
 * export const source = TransferSource.stream(lines, { filename: "lines.jsonl", bytes: 16 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const stream = <E, R>(
  data: Stream.Stream<Uint8Array, E, R>,
  { bytes, filename }: StreamOptions
): TransferSource<R> => ({
  name: filename,
  bytes: Effect.succeed(Option.fromNullable(bytes)),
  open: (_, limits, scope) =>
    Effect.flatMap(Effect.context<R>(), (context) => {
      const provided = Stream.provideContext(data, context)
      return bytes === undefined
        ? Scope.extend(spool.make(provided, { name: filename, filename }, limits), scope)
        : streamSource.make(provided, { filename, bytes }, limits)
    })
})

const bodyOf = (response: Response): httpBody.HttpBody => ({
  url: response.url,
  status: response.status,
  header: (name) => Option.fromNullable(response.headers.get(name)),
  stream: Stream.suspend(() => {
    const { body, bodyUsed } = response
    if (body === null) return Stream.empty
    // Another reader would make the stream throw.
    if (bodyUsed || body.locked) return Stream.fail("the body of the response was read already")
    return Stream.fromReadableStream({ evaluate: () => body, onError: (error) => error })
  })
})

/**
 * The body of a `Response` of `fetch`. The default of `filename` is the last segment of its URL.
 *
 * @example
 * ```ts
 * import * as TransferSource from "@effect-uploads/transfer/TransferSource"
 *
 * export const sourceOf = (response: Response) => TransferSource.response(response)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const response = (data: Response, options?: NameOptions): TransferSource => ({
  name: options?.filename ?? httpBody.lastSegment(data.url),
  bytes: Effect.succeedNone,
  open: (_, limits, scope) => Scope.extend(httpBody.make(bodyOf(data), options?.filename, limits), scope)
})

/**
 * A URL, downloaded with the `HttpClient` of the context. The default of `filename` is its last segment.
 *
 * @example
 * ```ts
 * import * as TransferSource from "@effect-uploads/transfer/TransferSource"
 *
 * export const source = TransferSource.url("https://example.com/data.csv")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const url = (location: string, options?: NameOptions): TransferSource<HttpClient.HttpClient> => ({
  name: options?.filename ?? httpBody.lastSegment(location),
  bytes: Effect.succeedNone,
  open: (_, limits, scope) => Scope.extend(httpBody.download(location, options?.filename, limits), scope)
})
