/**
 * A hasher for Node that computes on a thread of its own, with the md5 of Node's crypto library.
 *
 * @since 0.1.0
 */
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import { Md5Failed, Md5Hasher } from "./Md5Hasher.js"

/**
 * The code of the thread, as text: it has to be found whether this module is bundled or not. It answers each chunk with
 * nothing and the end with the md5; a file it reads by itself.
 */
const code = `
const { createHash } = require("node:crypto")
const { closeSync, openSync, readSync } = require("node:fs")
const { parentPort } = require("node:worker_threads")
let hash = createHash("md5")
parentPort.on("message", ({ bytes, path }) => {
  if (bytes !== undefined) {
    hash.update(bytes)
    return parentPort.postMessage({})
  }
  try {
    if (path !== undefined) {
      const buffer = Buffer.allocUnsafeSlow(1024 * 1024)
      const file = openSync(path, "r")
      try {
        for (let read; (read = readSync(file, buffer)) > 0;) hash.update(buffer.subarray(0, read))
      } finally {
        closeSync(file)
      }
    }
    parentPort.postMessage({ md5: hash.digest("hex") })
  } catch (failure) {
    parentPort.postMessage({ failure })
  }
})
`

interface Answer {
  readonly md5?: Md5
  readonly failure?: unknown
}

const thread: Effect.Effect<Worker, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => new Worker(code, { eval: true })),
  (worker) => Effect.promise(() => worker.terminate())
)

/** The answers come in the order of the messages. */
const ask = (
  worker: Worker,
  message: object,
  transfer: ReadonlyArray<ArrayBuffer> = []
): Effect.Effect<Answer, Md5Failed> =>
  Effect.async((resume) => {
    const answered = (answer: Answer) => {
      worker.off("error", failed)
      resume("failure" in answer ? new Md5Failed({ cause: answer.failure }) : Effect.succeed(answer))
    }
    const failed = (cause: Error) => {
      worker.off("message", answered)
      resume(new Md5Failed({ cause }))
    }
    worker.once("message", answered)
    worker.once("error", failed)
    worker.postMessage(message, transfer)
  })

const askForMd5 = (worker: Worker, message: object): Effect.Effect<Md5, Md5Failed> =>
  Effect.flatMap(
    ask(worker, message),
    ({ md5 }) => md5 === undefined ? new Md5Failed({ cause: "the thread gave none" }) : Effect.succeed(md5)
  )

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Md5Hasher> = Layer.succeed(Md5Hasher, {
  make: Effect.map(thread, (worker) => ({
    update: (bytes: Uint8Array) =>
      Effect.suspend(() => {
        // The caller's bytes are on their way to a socket: the thread gets its own.
        const copy = new Uint8Array(bytes)
        return Effect.asVoid(ask(worker, { bytes: copy }, [copy.buffer]))
      }),
    digest: askForMd5(worker, {})
  })),
  file: (path) => Effect.scoped(Effect.flatMap(thread, (worker) => askForMd5(worker, { path })))
})
