/**
 * The official client with several parts at a time, each a stream of a range of the file. A stream that broke cannot be read
 * again, so a part that fails is never retried.
 */
import { createReadStream } from "node:fs"
import { measured } from "./internal/measured.js"
import { sendFile } from "./internal/openai.js"
import { task } from "./internal/task.js"

await measured(() =>
  sendFile(task.concurrency, ({ bytes, offset }) =>
    createReadStream(task.path, {
      start: offset,
      end: offset + bytes - 1,
      highWaterMark: task.chunkBytes
    }))
)
