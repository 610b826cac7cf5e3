/**
 * What a child is to do, as its arguments say. The opponents must not load Effect to read them, so this does not either.
 */
import { parseArgs } from "node:util"

export interface Task {
  readonly apiUrl: string
  /** The file to send, or the path on a server. */
  readonly path: string
  readonly bytes: number
  readonly partBytes: number
  readonly concurrency: number
  /** How much of the file is read at a time, where the client lets its caller choose. */
  readonly chunkBytes: number
  readonly checksum: boolean
  /** How many Uploads are created and cancelled. */
  readonly pairs: number
  /** How a server takes parts: `uploads`, `bodies` or `tus`. */
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

/** The same key for everybody: who sends none would have less to do. */
export const apiKey = "sk-bench"
