/**
 * The least that a durable server on Node can do: it pipes each body to a file, flushes the file before the response, and pipes
 * files to responses. No framing, no checksum, no database, no limits.
 */
import { createReadStream, createWriteStream } from "node:fs"
import { stat } from "node:fs/promises"
import * as Http from "node:http"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { directory, listen } from "./internal/listen.js"

/** The size of a read from a file, in bytes. If it is not set, Node's default applies. */
const readBytes = process.env["BENCH_READ_BYTES"]

let files = 0

const receive = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
  const id = String(++files)
  await pipeline(request, createWriteStream(join(directory, id), { flags: "wx", flush: true }))
  const body = JSON.stringify({ id })
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
  response.end(body)
}

const send = async (path: string, response: Http.ServerResponse) => {
  const { size } = await stat(path)
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": size })
  createReadStream(path, readBytes === undefined ? {} : { highWaterMark: Number(readBytes) }).pipe(response)
}

listen(Http.createServer((request, response) => {
  const done = request.method === "GET"
    ? send(join(directory, (request.url ?? "").slice(1)), response)
    : receive(request, response)
  done.catch((error: unknown) => {
    process.stderr.write(`${error}\n`)
    response.destroy()
  })
}))
