/** Uploads that are created and cancelled, by a client that costs as little as one can. */
import { inLanes } from "./internal/lanes.js"
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

const pairs = (count: number) => inLanes(task.concurrency, Array.from({ length: count }), pair)

// A server that has not answered yet is not compiled yet.
await pairs(Math.ceil(task.pairs / 4))
await measured(() => pairs(task.pairs))
