/**
 * Computes md5 under Node on a separate thread, with Node's crypto library.
 *
 * @since 0.1.0
 */
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Pool from "effect/Pool"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { readFile, stat } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Md5Failed, Md5Hasher } from "./Md5Hasher.js"

/**
 * The code of a thread is text, so that it is found in a bundled program too. A message with a path gets the md5 of the file there.
 * A message with bytes gets an empty reply, and an empty message gets the md5 of all bytes.
 */
const code = `
const { createHash } = require("node:crypto")
const { closeSync, openSync, readSync } = require("node:fs")
const { parentPort } = require("node:worker_threads")
const hash = createHash("md5")
const buffer = Buffer.allocUnsafeSlow(256 * 1024)
const md5OfFile = (path) => {
  const hash = createHash("md5")
  const file = openSync(path, "r")
  try {
    for (let read; (read = readSync(file, buffer)) > 0;) hash.update(buffer.subarray(0, read))
  } finally {
    closeSync(file)
  }
  return hash.digest("hex")
}
parentPort.on("message", ({ bytes, path }) => {
  if (bytes !== undefined) {
    hash.update(new Uint8Array(bytes))
    return parentPort.postMessage({})
  }
  try {
    parentPort.postMessage({ md5: path === undefined ? hash.digest("hex") : md5OfFile(path) })
  } catch (failure) {
    parentPort.postMessage({ failure })
  }
})
`

interface Reply {
  readonly md5?: Md5
  readonly failure?: unknown
}

/** An idle thread does not keep the process alive. */
const thread: Effect.Effect<Worker, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const worker = new Worker(code, { eval: true })
    worker.unref()
    return worker
  }),
  (worker) => Effect.promise(() => worker.terminate())
)

/** The replies arrive in the order of the messages. */
const ask = (
  worker: Worker,
  message: object,
  transfer: ReadonlyArray<ArrayBuffer> = []
): Effect.Effect<Reply, Md5Failed> =>
  Effect.async((resume) => {
    const onReply = (reply: Reply) => {
      worker.off("error", onError)
      worker.unref()
      resume("failure" in reply ? new Md5Failed({ cause: reply.failure }) : Effect.succeed(reply))
    }
    const onError = (cause: Error) => {
      worker.off("message", onReply)
      resume(new Md5Failed({ cause }))
    }
    worker.once("message", onReply)
    worker.once("error", onError)
    worker.ref()
    worker.postMessage(message, transfer)
  })

const askForMd5 = (worker: Worker, message: object): Effect.Effect<Md5, Md5Failed> =>
  Effect.flatMap(
    ask(worker, message),
    ({ md5 }) => md5 === undefined ? new Md5Failed({ cause: "The thread returned no md5" }) : Effect.succeed(md5)
  )

/** More threads would only wait for each other, or hash faster than one process can send. */
const maximumThreads = Math.min(4, availableParallelism())

/** Up to this size a file is hashed in this thread: it takes 2 ms at most, and so does the way to another thread and back. */
const smallBytes = 1024 * 1024

/** The md5 of a small file. Undefined for a larger one. */
const md5OfSmallFile = (path: string): Effect.Effect<Md5 | undefined, Md5Failed> =>
  Effect.tryPromise({
    try: async () => {
      const { size } = await stat(path)
      return size > smallBytes ? undefined : createHash("md5").update(await readFile(path)).digest("hex")
    },
    catch: (cause) => new Md5Failed({ cause })
  })

/** Hashes files on threads that are kept for further files, because one costs about 30 ms of CPU time to start. */
const makeFileHasher = Effect.map(
  Pool.makeWithTTL({ acquire: thread, min: 0, max: maximumThreads, timeToLive: Duration.infinity }),
  (threads) => (path: string): Effect.Effect<Md5, Md5Failed> =>
    Effect.scoped(
      Effect.flatMap(threads.get, (worker) =>
        // After an interruption the thread still reads its file.
        Effect.onExit(
          askForMd5(worker, { path }),
          (exit) => Exit.isSuccess(exit) ? Effect.void : threads.invalidate(worker)
        ))
    )
)

/**
 * Provides a hasher that computes on separate threads. Files share at most four of them, and no more than there are processors. A
 * stream has a thread of its own. A file of at most 1 MiB needs none. The threads of files end with the layer.
 *
 * @example
 * ```ts
 * import * as NodeMd5Hasher from "@effect-uploads/transfer/NodeMd5Hasher"
 * import * as Transfer from "@effect-uploads/transfer/Transfer"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Transfer.file("./data.bin", { purpose: "user_data" }).pipe(
 *   Effect.provide(NodeMd5Hasher.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Md5Hasher> = Layer.scoped(
  Md5Hasher,
  Effect.map(makeFileHasher, (hashFile) => ({
    make: Effect.map(thread, (worker) => ({
      update: (bytes: Uint8Array) =>
        Effect.suspend(() => {
          // The caller still sends its bytes, so the thread receives a copy. Deno is 100 times slower with a view than with a buffer.
          const { buffer } = new Uint8Array(bytes)
          return Effect.asVoid(ask(worker, { bytes: buffer }, [buffer]))
        }),
      digest: askForMd5(worker, {})
    })),
    file: (path: string) =>
      Effect.flatMap(md5OfSmallFile(path), (md5) => md5 === undefined ? hashFile(path) : Effect.succeed(md5))
  }))
)
