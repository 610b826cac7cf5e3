/** The server of the tus project with its own store of files, as its documentation sets it up. It does not fsync. */
import { FileStore } from "@tus/file-store"
import { Server } from "@tus/server"
import * as Http from "node:http"
import { directory, listen } from "./internal/listen.js"

const tus = new Server({ path: "/files", datastore: new FileStore({ directory }) })

listen(Http.createServer((request, response) => {
  tus.handle(request, response).catch((error: unknown) => {
    process.stderr.write(`${error}\n`)
    response.destroy()
  })
}))
