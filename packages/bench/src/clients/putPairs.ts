/** Creates and cancels Uploads with a minimal client, so that the server is measured. */
import { mapConcurrent } from "./internal/concurrency.js"
import { measured } from "./internal/measured.js"
import { postJson, request } from "./internal/request.js"
import { task } from "./internal/task.js"

const pair = async () => {
  const id = await postJson(`${task.path}/uploads`, {
    filename: "bench.bin",
    bytes: 1024,
    mime_type: "application/octet-stream",
    purpose: "user_data"
  })
  await request({ method: "POST", path: `${task.path}/uploads/${id}/cancel`, headers: { "content-length": 0 } })
}

const pairs = (count: number) => mapConcurrent(task.concurrency, Array.from({ length: count }), pair)

// Warm up: V8 compiles the server's code during the first requests.
await pairs(Math.ceil(task.pairs / 4))
await measured(() => pairs(task.pairs))
