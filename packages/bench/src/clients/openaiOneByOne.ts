/**
 * The official client with sequential parts. Each is a slice of a file-backed Blob, so the client does not keep parts in memory
 * and can retry a part.
 */
import { openAsBlob } from "node:fs"
import { measured } from "./internal/measured.js"
import { sendFile } from "./internal/openai.js"
import { task } from "./internal/task.js"

await measured(async () => {
  const blob = await openAsBlob(task.path)
  await sendFile(1, ({ bytes, offset }) => new File([blob.slice(offset, offset + bytes)], "part"))
})
