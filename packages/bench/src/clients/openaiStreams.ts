/**
 * The official client with concurrent parts, each a stream of a range of the file. A stream cannot be read again, so the client
 * never retries a failed part.
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
