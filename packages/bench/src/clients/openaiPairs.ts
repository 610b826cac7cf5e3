/** Creates and cancels Uploads with the official client. */
import { mapConcurrent } from "./internal/concurrency.js"
import { measured } from "./internal/measured.js"
import { makeClient } from "./internal/openai.js"
import { task } from "./internal/task.js"

await measured(async () => {
  const client = makeClient()
  await mapConcurrent(task.concurrency, Array.from({ length: task.pairs }), async () => {
    const upload = await client.uploads.create({
      filename: "bench.bin",
      bytes: 1024,
      mime_type: "application/octet-stream",
      purpose: "user_data"
    })
    await client.uploads.cancel(upload.id)
  })
})
