/**
 * The task of a child process, from its arguments. This module does not import Effect, because the other clients must not load
 * it.
 */
import { parseArgs } from "node:util"

export interface Task {
  readonly apiUrl: string
  /** The file or folder to send, or the path on a server. */
  readonly path: string
  readonly bytes: number
  readonly partBytes: number
  readonly concurrency: number
  /** The size of a read from the file, in bytes, for clients that leave it to their caller. */
  readonly chunkBytes: number
  readonly checksum: boolean
  /** The number of Uploads to create and cancel. */
  readonly pairs: number
  /** The protocol of the server: `uploads`, `bodies` or `tus`. */
  readonly protocol: string
}

export const MiB = 1024 ** 2

const { values } = parseArgs({
  options: {
    apiUrl: { type: "string", default: "" },
    path: { type: "string", default: "" },
    bytes: { type: "string", default: "0" },
    partBytes: { type: "string", default: String(64 * MiB) },
    concurrency: { type: "string", default: "4" },
    chunkBytes: { type: "string", default: String(MiB) },
    checksum: { type: "string", default: "false" },
    pairs: { type: "string", default: "0" },
    protocol: { type: "string", default: "" }
  }
})

export const task: Task = {
  apiUrl: values.apiUrl,
  path: values.path,
  bytes: Number(values.bytes),
  partBytes: Number(values.partBytes),
  concurrency: Number(values.concurrency),
  chunkBytes: Number(values.chunkBytes),
  checksum: values.checksum === "true",
  pairs: Number(values.pairs),
  protocol: values.protocol
}

/** All clients send the same key, because a client without one would do less work. */
export const apiKey = "sk-bench"
