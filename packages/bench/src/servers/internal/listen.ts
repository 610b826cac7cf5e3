import type { Server } from "node:http"

/** The folder of the server, under the name by which ours takes it. */
export const directory = process.env["UPLOADS_DATA_DIR"] ?? "."

/** The first line on the standard output is the URL, as it is with ours. */
export const listen = (server: Server): void => {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    process.stdout.write(`http://127.0.0.1:${port}\n`)
  })
}
