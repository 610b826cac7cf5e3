/**
 * The server of the tus project with its file store, set up as documented. By default it does not fsync. With BENCH_FSYNC it
 * does so before it responds to the last bytes of a file.
 */
import { FileStore } from "@tus/file-store"
import { Server } from "@tus/server"
import { open } from "node:fs/promises"
import * as Http from "node:http"
import { join } from "node:path"
import { directory, listen } from "./internal/listen.js"

const sync = async (id: string) => {
  const file = await open(join(directory, id))
  await file.sync()
  await file.close()
  return {}
}

const tus = new Server({
  path: "/files",
  datastore: new FileStore({ directory }),
  ...(process.env["BENCH_FSYNC"] === undefined ? {} : { onUploadFinish: (_, { id }) => sync(id) })
})

listen(Http.createServer((request, response) => {
  tus.handle(request, response).catch((error: unknown) => {
    process.stderr.write(`${error}\n`)
    response.destroy()
  })
}))
