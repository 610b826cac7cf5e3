/**
 * Under Node: notices every change of a file during a transfer, and reads pipes and devices.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { FileAccess } from "./FileAccess.js"

/** `/dev/stdin` is a socket if Node started the process, and a socket cannot be opened by its path. */
const descriptorOf = (path: string): number | undefined =>
  path === "/dev/stdin"
    ? 0
    : Option.getOrUndefined(
      Option.map(Option.fromNullable(/^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1]), Number)
    )

/**
 * Provides the change time of files and the reading of pipes.
 *
 * @example
 * ```ts
 * import * as NodeFileAccess from "@effect-uploads/transfer/NodeFileAccess"
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Transfer.file("/dev/stdin", { purpose: "user_data", filename: "data.csv" }).pipe(
 *   Effect.provide(NodeFileAccess.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<FileAccess> = Layer.succeed(FileAccess, {
  changedAt: (path) => Effect.option(Effect.map(Effect.tryPromise(() => stat(path)), ({ ctimeMs }) => ctimeMs)),
  readPipe: (path, { chunkBytes }) =>
    Option.some(Stream.suspend(() => {
      const fd = descriptorOf(path)
      const chunks: AsyncIterable<Uint8Array> = createReadStream(path, {
        highWaterMark: chunkBytes,
        ...(fd === undefined ? {} : { fd, autoClose: false })
      })
      return Stream.fromAsyncIterable(chunks, (error) => error)
    }))
})
