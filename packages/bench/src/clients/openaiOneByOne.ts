/**
 * The official client, one part after the other, each a slice of a file-backed Blob: it does not hold parts in memory, and can
 * send one again.
 */
import { openAsBlob } from "node:fs"
import { measured } from "./internal/measured.js"
import { sendFile } from "./internal/openai.js"
import { task } from "./internal/task.js"

await measured(async () => {
  const blob = await openAsBlob(task.path)
  await sendFile(1, ({ bytes, offset }) => new File([blob.slice(offset, offset + bytes)], "part"))
})
