/** The official client with several parts at a time, each a slice of a file-backed Blob: it can send one again. */
import { openAsBlob } from "node:fs"
import { measured } from "./internal/measured.js"
import { sendFile } from "./internal/openai.js"
import { task } from "./internal/task.js"

await measured(async () => {
  const blob = await openAsBlob(task.path)
  await sendFile(task.concurrency, ({ bytes, offset }) => new File([blob.slice(offset, offset + bytes)], "part"))
})
