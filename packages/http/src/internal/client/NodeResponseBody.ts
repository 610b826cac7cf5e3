/*
 * The body of a response of `node:http`, without a `ReadableStream` or a pipe between the socket and its reader.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { IncomingMessage } from "node:http"

export interface Body {
  /** All bytes, at each reading of them. */
  readonly bytes: Effect.Effect<Uint8Array, Error>
  /** The bytes at the pace of their reader, once. The connection closes where the reader stops before the end. */
  readonly stream: Stream.Stream<Uint8Array, Error>
}

/** A body up to this size is received before the response is handed on. */
const maximumEarlyBytes = 64 * 1024

const withoutBody = [204, 205, 304]

/** Whether the body is so small that the response waits for it. */
export const isSmall = ({ headers, statusCode = 0 }: IncomingMessage): boolean =>
  withoutBody.includes(statusCode) || Number(headers["content-length"] ?? Infinity) <= maximumEarlyBytes

interface Receiver {
  readonly onChunk: (chunk: Uint8Array) => void
  /** Called once, with an error if the body was cut off. */
  readonly onEnd: (error?: Error) => void
}

/** The listener of `error` stays: an `error` event without one ends the process. */
const receive = (incoming: IncomingMessage, { onChunk, onEnd }: Receiver): void => {
  let ended = false
  const end = (error?: Error) => {
    if (ended) return
    ended = true
    onEnd(error)
  }
  // The event follows every response, so the error is made only where it is one.
  const onClose = () => {
    if (!ended) end(new Error("the connection was closed within the response"))
  }
  incoming.on("error", end)
  if (incoming.readableEnded) return end()
  if (incoming.destroyed) return onClose()
  incoming.on("data", onChunk)
  incoming.on("end", () => end())
  incoming.on("close", onClose)
}

/** Calls back once, with the body or with what ended it. */
export const whenReceived = (incoming: IncomingMessage, callback: (body: Uint8Array | Error) => void): void => {
  const chunks: Array<Uint8Array> = []
  receive(incoming, {
    onChunk: (chunk) => chunks.push(chunk),
    onEnd: (error) => {
      const [first = new Uint8Array(0), ...rest] = chunks
      callback(error ?? (rest.length === 0 ? first : Buffer.concat(chunks)))
    }
  })
}

const makePull = (incoming: IncomingMessage): Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<Error>> => {
  let waiting: Array<Uint8Array> = []
  let end: Option.Option<Error> | undefined
  let wake = () => {}
  receive(incoming, {
    onChunk: (chunk) => {
      waiting.push(chunk)
      incoming.pause()
      wake()
    },
    onEnd: (error) => {
      end = Option.fromNullable(error)
      wake()
    }
  })
  return Effect.async((resume) => {
    wake = () => {
      if (waiting.length === 0 && end === undefined) return
      wake = () => {}
      const chunks = waiting
      waiting = []
      resume(chunks.length > 0 ? Effect.succeed(Chunk.unsafeFromArray(chunks)) : Effect.fail(end ?? Option.none()))
    }
    wake()
    incoming.resume()
  })
}

/** A body that was received with its response. */
export const received = (bytes: Uint8Array): Body => ({
  bytes: Effect.succeed(bytes),
  get stream() {
    return bytes.byteLength === 0 ? Stream.empty : Stream.make(bytes)
  }
})

/** A body that is still to come. */
export const arriving = (incoming: IncomingMessage): Body => {
  const bytes = Effect.async<Uint8Array, Error>((resume) => {
    whenReceived(incoming, (body) => resume(body instanceof Error ? Effect.fail(body) : Effect.succeed(body)))
    return Effect.sync(() => incoming.destroy())
  })
  return {
    bytes: Effect.runSync(Effect.cached(bytes)),
    stream: Stream.fromPull(
      Effect.acquireRelease(Effect.sync(() => makePull(incoming)), () => Effect.sync(() => incoming.destroy()))
    )
  }
}
