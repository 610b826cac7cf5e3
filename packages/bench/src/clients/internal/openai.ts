import OpenAI from "openai"
import type { Uploadable } from "openai/uploads"
import type { Range } from "./concurrency.js"
import { mapConcurrent, ranges } from "./concurrency.js"
import { apiKey, task } from "./task.js"

/** The official client with its defaults for `fetch`, timeouts and retries. */
export const makeClient = () => new OpenAI({ apiKey, baseURL: task.apiUrl })

/** Sends a whole file with the official client. `open` returns the data of a part. */
export const sendFile = async (concurrency: number, open: (range: Range) => Uploadable): Promise<void> => {
  const client = makeClient()
  const upload = await client.uploads.create({
    filename: "bench.bin",
    bytes: task.bytes,
    mime_type: "application/octet-stream",
    purpose: "user_data"
  })
  const parts = await mapConcurrent(
    concurrency,
    ranges(task.bytes, task.partBytes),
    (range) => client.uploads.parts.create(upload.id, { data: open(range) })
  )
  await client.uploads.complete(upload.id, { part_ids: parts.map(({ id }) => id) })
}
