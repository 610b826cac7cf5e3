import OpenAI from "openai"
import type { Uploadable } from "openai/uploads"
import type { Range } from "./lanes.js"
import { inLanes, ranges } from "./lanes.js"
import { apiKey, task } from "./task.js"

/** The official client as it comes: its own `fetch`, timeouts and retries. */
export const makeClient = () => new OpenAI({ apiKey, baseURL: task.apiUrl })

/** A whole file through the official client, its parts in the form that `open` gives them. */
export const sendFile = async (concurrency: number, open: (range: Range) => Uploadable): Promise<void> => {
  const client = makeClient()
  const upload = await client.uploads.create({
    filename: "bench.bin",
    bytes: task.bytes,
    mime_type: "application/octet-stream",
    purpose: "user_data"
  })
  const parts = await inLanes(
    concurrency,
    ranges(task.bytes, task.partBytes),
    (range) => client.uploads.parts.create(upload.id, { data: open(range) })
  )
  await client.uploads.complete(upload.id, { part_ids: parts.map(({ id }) => id) })
}
