/**
 * A server of the Uploads API that discards the bytes and counts them. It rejects `complete` if bytes are missing, so that no
 * client is fast because it sent less. It runs as a process of its own and prints its port as one line of JSON.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Http from "node:http"
import { setTimeout } from "node:timers/promises"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: { partMillis: { type: "string", default: "0" }, otherMillis: { type: "string", default: "0" } }
})
/** The delay between the last byte of a part and the response, in milliseconds. */
const partMillis = Number(values.partMillis)
/** The same for any other request. */
const otherMillis = Number(values.otherMillis)

interface Upload {
  readonly id: string
  readonly filename: string
  readonly bytes: number
  readonly purpose: string
  received: number
}

const uploads = new Map<string, Upload>()
let created = 0

/** All Uploads have the start of the server as creation time, and none expires while it runs. */
const createdAt = Math.floor(Effect.runSync(Clock.currentTimeMillis) / 1000)

const represent = ({ bytes, filename, id, purpose }: Upload, status: string) => ({
  id,
  object: "upload",
  bytes,
  created_at: createdAt,
  filename,
  purpose,
  status,
  expires_at: createdAt + 3600
})

const withFile = (upload: Upload, status: string) =>
  status === "completed"
    ? {
      ...represent(upload, status),
      file: {
        id: `file-${upload.id}`,
        object: "file",
        bytes: upload.bytes,
        created_at: createdAt,
        filename: upload.filename,
        purpose: upload.purpose,
        status: "processed"
      }
    }
    : represent(upload, status)

const text = async (request: Http.IncomingMessage): Promise<string> => {
  let body = ""
  request.setEncoding("utf8")
  for await (const piece of request) body += piece
  return body
}

const discardBody = (request: Http.IncomingMessage): Promise<number> =>
  new Promise((resolve, reject) => {
    let bytes = 0
    request.on("data", (piece: Buffer) => {
      bytes += piece.byteLength
    })
    request.on("end", () => resolve(bytes))
    request.on("error", reject)
  })

const field = (body: unknown, key: string): unknown =>
  typeof body === "object" && body !== null ? Object.entries(body).find(([name]) => name === key)?.[1] : undefined

const reply = (response: Http.ServerResponse, status: number, body: unknown) => {
  const json = JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(json) })
  response.end(json)
}

const replyError = (response: Http.ServerResponse, status: number, message: string) =>
  reply(response, status, { error: { message, type: "invalid_request_error", param: null, code: null } })

const create = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
  const body: unknown = JSON.parse(await text(request))
  if (otherMillis > 0) await setTimeout(otherMillis)
  const upload: Upload = {
    id: `upload_${++created}`,
    filename: String(field(body, "filename")),
    bytes: Number(field(body, "bytes")),
    purpose: String(field(body, "purpose")),
    received: 0
  }
  uploads.set(upload.id, upload)
  reply(response, 200, withFile(upload, "pending"))
}

/** An upper bound of the multipart framing of a part, in bytes. */
const framing = 1024

let parts = 0

const addPart = async (upload: Upload, request: Http.IncomingMessage, response: Http.ServerResponse) => {
  const bytes = await discardBody(request)
  upload.received += bytes
  if (partMillis > 0) await setTimeout(partMillis)
  reply(response, 200, { id: `part_${++parts}`, object: "upload.part", created_at: createdAt, upload_id: upload.id })
}

const complete = async (upload: Upload, request: Http.IncomingMessage, response: Http.ServerResponse) => {
  const partIds = field(JSON.parse(await text(request)), "part_ids")
  if (otherMillis > 0) await setTimeout(otherMillis)
  const most = upload.bytes + framing * (Array.isArray(partIds) ? partIds.length : 0)
  if (upload.received < upload.bytes || upload.received > most) {
    return replyError(response, 400, `${upload.received} of ${upload.bytes} bytes arrived`)
  }
  uploads.delete(upload.id)
  reply(response, 200, withFile(upload, "completed"))
}

const cancel = async (upload: Upload, request: Http.IncomingMessage, response: Http.ServerResponse) => {
  request.resume()
  if (otherMillis > 0) await setTimeout(otherMillis)
  uploads.delete(upload.id)
  reply(response, 200, withFile(upload, "cancelled"))
}

const serve = (request: Http.IncomingMessage, response: Http.ServerResponse): Promise<void> | void => {
  const [, version, collection, id, action] = (request.url ?? "").split("/")
  if (request.method !== "POST" || version !== "v1" || collection !== "uploads") {
    return replyError(response, 404, `${request.method} ${request.url} was not found`)
  }
  if (id === undefined) return create(request, response)
  const upload = uploads.get(id)
  if (upload === undefined) return replyError(response, 404, `Upload ${id} was not found`)
  switch (action) {
    case "parts":
      return addPart(upload, request, response)
    case "complete":
      return complete(upload, request, response)
    case "cancel":
      return cancel(upload, request, response)
    default:
      return replyError(response, 404, `${request.url} was not found`)
  }
}

const server = Http.createServer((request, response) => {
  Promise.resolve(serve(request, response)).catch((error: unknown) => {
    // A client that disconnected during its request cannot receive a response.
    if (!request.destroyed) replyError(response, 500, String(error))
  })
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  process.stdout.write(`${JSON.stringify({ port })}\n`)
})
