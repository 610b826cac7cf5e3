/** Prints the times to fsync an appended page, as one line of JSON. */
import { open } from "node:fs/promises"
import { join } from "node:path"

const [directory = ".", rounds = "200"] = process.argv.slice(2)

const handle = await open(join(directory, "fsync"), "w")
const page = Buffer.alloc(4096, 1)
const millis: Array<number> = []
for (let round = 0; round < Number(rounds); round++) {
  await handle.write(page)
  const before = process.hrtime.bigint()
  await handle.sync()
  millis.push(Number(process.hrtime.bigint() - before) / 1e6)
}
await handle.close()

process.stdout.write(JSON.stringify({ millis }) + "\n")
