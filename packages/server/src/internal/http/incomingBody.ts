import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { IncomingMessage } from "node:http"
import { setImmediate } from "node:timers"
import { MessageChannel } from "node:worker_threads"

/** The target for the buffered bytes of all bodies together. Each body buffers its share, or one chunk of Node if that is more. */
const totalBufferBytes = 4 * 1024 * 1024

/** The limit for the buffer of one body. With a smaller one, the steps of the stream cost more than the bytes. */
const bodyBufferBytes = 512 * 1024

/**
 * Frees the memory of chunks at once. The garbage collector frees it later, and the bytes that arrive meanwhile are copied to
 * memory outside the processor's caches, which was measured to take three times as long.
 */
const makeFree = () => {
  const { port1, port2 } = new MessageChannel()
  port1.close()
  port2.close()
  return (chunks: ReadonlyArray<Uint8Array>): void => {
    // A buffer that is larger than the chunk may hold other chunks.
    const whole = chunks.flatMap(({ buffer, byteLength }) =>
      buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : []
    )
    // A transferred buffer is detached from its sender, and a closed port has no receiver.
    if (whole.length > 0) port1.postMessage(undefined, whole)
  }
}

interface Options<E> {
  readonly bufferLimit: () => number
  readonly free: (chunks: ReadonlyArray<Uint8Array>) => void
  readonly onError: (cause: unknown) => E
}

/**
 * Buffers the bytes that arrive until the next pull. A full buffer pauses the client. The memory of a chunk is
 * freed at the next pull: see the rule about chunks in `PartData` of `@effect-uploads/http`.
 */
const listen = <E>(source: IncomingMessage, { free, bufferLimit, onError }: Options<E>) => {
  const arrived = Effect.unsafeMakeLatch(false)
  let delivered: Array<Uint8Array> = []
  let buffered: Array<Uint8Array> = []
  let size = 0
  let end: Exit.Exit<never, Option.Option<E>> | undefined = source.readable ? undefined : Exit.fail(Option.none())

  const onData = (bytes: Uint8Array) => {
    // Deferred, so that one step takes all bytes that have arrived.
    if (size === 0) setImmediate(() => arrived.unsafeOpen())
    buffered.push(bytes)
    size += bytes.byteLength
    if (size >= bufferLimit()) {
      source.pause()
      arrived.unsafeOpen()
    }
  }
  const onEnd = () => {
    end ??= Exit.fail(Option.none())
    arrived.unsafeOpen()
  }
  const onFailure = (cause: unknown) => {
    end ??= Exit.fail(Option.some(onError(cause)))
    arrived.unsafeOpen()
  }
  source.on("data", onData).on("end", onEnd).on("error", onFailure)

  const pull: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<E>> = Effect.suspend(() => {
    free(delivered)
    delivered = []
    if (size > 0) {
      delivered = buffered
      buffered = []
      size = 0
      source.resume()
      return Effect.succeed(Chunk.unsafeFromArray(delivered))
    }
    if (end !== undefined) return end
    arrived.unsafeClose()
    return Effect.zipRight(arrived.await, pull)
  })

  const close = () => {
    source.off("data", onData).off("end", onEnd).off("error", onFailure)
    if (!source.closed) source.destroy()
  }

  return { pull, close }
}

/** Only forms are read as a stream. */
const isForm = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  /^\s*multipart\//i.test(headers["content-type"] ?? "")

/**
 * Replaces the `stream` of requests by one whose steps return all bytes that have arrived. The stream of the platform has a step
 * for every 64 KiB, or copies larger amounts together.
 */
export const makeMiddleware = () => {
  const free = makeFree()
  let bodies = 0
  const bufferLimit = () => Math.min(bodyBufferBytes, totalBufferBytes / bodies)

  const stream = (request: HttpServerRequest.HttpServerRequest) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        bodies++
        return listen(NodeHttpServerRequest.toIncomingMessage(request), {
          bufferLimit,
          free,
          onError: (cause) => new HttpServerError.RequestError({ request, reason: "Decode", cause })
        })
      }),
      ({ close }) =>
        Effect.sync(() => {
          bodies--
          close()
        })
    ).pipe(
      Effect.map(({ pull }) => Stream.repeatEffectChunkOption(pull)),
      Stream.unwrapScoped
    )

  const withStream = (request: HttpServerRequest.HttpServerRequest) =>
    new Proxy(request, {
      get: (target, property) => property === "stream" ? stream(target) : Reflect.get(target, property)
    })

  return HttpMiddleware.make((app) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      isForm(request)
        ? Effect.provideService(app, HttpServerRequest.HttpServerRequest, withStream(request))
        : app)
  )
}
