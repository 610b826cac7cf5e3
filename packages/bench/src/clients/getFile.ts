/** Downloads a file and discards it. */
import { deepEqual } from "node:assert/strict"
import { measured } from "./internal/measured.js"
import { open } from "./internal/request.js"
import { task } from "./internal/task.js"

await measured(async () => {
  const response = await open({ method: "GET", path: task.path })
  let bytes = 0
  for await (const chunk of response) bytes += Buffer.byteLength(chunk)
  deepEqual([response.statusCode, bytes], [200, task.bytes])
})
