import type { Server } from "node:http"

/** The folder of the server, from the same variable as in our server. */
export const directory = process.env["UPLOADS_DATA_DIR"] ?? "."

/** Prints the URL as the first line on the standard output, as our server does. */
export const listen = (server: Server): void => {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    process.stdout.write(`http://127.0.0.1:${port}\n`)
  })
}
