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

/** What is aimed at for all bodies together: each holds its share, or a chunk of Node's if that is more. */
const heldBytes = 4 * 1024 * 1024

/** What may be held of one of them: with less the steps are so many that they cost more than the bytes. */
const heldBytesOfOne = 512 * 1024

/**
 * Gives memory back at once. The garbage collector takes its time, and what arrives meanwhile is copied to memory that no cache
 * of the processor holds, which was measured to take three times as long.
 */
const makeFree = () => {
  const { port1, port2 } = new MessageChannel()
  port1.close()
  port2.close()
  return (chunks: ReadonlyArray<Uint8Array>): void => {
    // Beside a chunk that is not the whole of its memory, there may be others'.
    const whole = chunks.flatMap(({ buffer, byteLength }) =>
      buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : []
    )
    // What is transferred is its sender's no more; and nobody gets it from a port that is closed.
    if (whole.length > 0) port1.postMessage(undefined, whole)
  }
}

interface Options<E> {
  readonly mayHold: () => number
  readonly free: (chunks: ReadonlyArray<Uint8Array>) => void
  readonly onError: (cause: unknown) => E
}

/**
 * Holds what arrives until it is asked for. Where that is as much as may be held, the client has to wait. As everywhere here, a
 * chunk lasts until the next one is asked for.
 */
const listen = <E>(source: IncomingMessage, { free, mayHold, onError }: Options<E>) => {
  const arrived = Effect.unsafeMakeLatch(false)
  let given: Array<Uint8Array> = []
  let held: Array<Uint8Array> = []
  let size = 0
  let end: Exit.Exit<never, Option.Option<E>> | undefined = source.readable ? undefined : Exit.fail(Option.none())

  const onData = (bytes: Uint8Array) => {
    // Not at once: more may have arrived, which can be taken in the same step.
    if (size === 0) setImmediate(() => arrived.unsafeOpen())
    held.push(bytes)
    size += bytes.byteLength
    if (size >= mayHold()) {
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
    free(given)
    given = []
    if (size > 0) {
      given = held
      held = []
      size = 0
      source.resume()
      return Effect.succeed(Chunk.unsafeFromArray(given))
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

/** Only these have a body that is read as a stream. */
const isForm = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  /^\s*multipart\//i.test(headers["content-type"] ?? "")

/**
 * Gives the handlers a request that is the same but for its `stream`, which hands on all that has arrived since the last step.
 * That of the platform has a step for each 64 KiB, or copies together what is more.
 */
export const makeMiddleware = () => {
  const free = makeFree()
  let bodies = 0
  const mayHold = () => Math.min(heldBytesOfOne, heldBytes / bodies)

  const stream = (request: HttpServerRequest.HttpServerRequest) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        bodies++
        return listen(NodeHttpServerRequest.toIncomingMessage(request), {
          mayHold,
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
