/**
 * A server of the Uploads API that keeps nothing: it counts the bytes of the parts, and refuses to complete an Upload that did
 * not get all of its own, so that nobody is fast by leaving some out. A process of its own, which says its port in one line.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Http from "node:http"
import { setTimeout } from "node:timers/promises"
import { parseArgs } from "node:util"

const { values } = parseArgs({ options: { partMillis: { type: "string", default: "0" } } })
/** How long a part takes to be answered, after its last byte. */
const partMillis = Number(values.partMillis)

interface Upload {
  readonly id: string
  readonly filename: string
  readonly bytes: number
  readonly purpose: string
  received: number
}

const uploads = new Map<string, Upload>()
let created = 0

/** All Uploads are of the second in which the server started, and outlive it. */
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

const represented = (upload: Upload, status: string) =>
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

const discarded = (request: Http.IncomingMessage): Promise<number> =>
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

const answer = (response: Http.ServerResponse, status: number, body: unknown) => {
  const json = JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(json) })
  response.end(json)
}

const refuse = (response: Http.ServerResponse, status: number, message: string) =>
  answer(response, status, { error: { message, type: "invalid_request_error", param: null, code: null } })

const create = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
  const body: unknown = JSON.parse(await text(request))
  const upload: Upload = {
    id: `upload_${++created}`,
    filename: String(field(body, "filename")),
    bytes: Number(field(body, "bytes")),
    purpose: String(field(body, "purpose")),
    received: 0
  }
  uploads.set(upload.id, upload)
  answer(response, 200, represented(upload, "pending"))
}

/** Multipart framing is no more than this a part. */
const framing = 1024

let parts = 0

const addPart = async (upload: Upload, request: Http.IncomingMessage, response: Http.ServerResponse) => {
  const bytes = await discarded(request)
  upload.received += bytes
  if (partMillis > 0) await setTimeout(partMillis)
  answer(response, 200, { id: `part_${++parts}`, object: "upload.part", created_at: createdAt, upload_id: upload.id })
}

const complete = async (upload: Upload, request: Http.IncomingMessage, response: Http.ServerResponse) => {
  const partIds = field(JSON.parse(await text(request)), "part_ids")
  const most = upload.bytes + framing * (Array.isArray(partIds) ? partIds.length : 0)
  if (upload.received < upload.bytes || upload.received > most) {
    return refuse(response, 400, `${upload.received} bytes came of ${upload.bytes}`)
  }
  uploads.delete(upload.id)
  answer(response, 200, represented(upload, "completed"))
}

const cancel = (upload: Upload, request: Http.IncomingMessage, response: Http.ServerResponse) => {
  request.resume()
  uploads.delete(upload.id)
  answer(response, 200, represented(upload, "cancelled"))
}

const serve = (request: Http.IncomingMessage, response: Http.ServerResponse): Promise<void> | void => {
  const [, version, collection, id, action] = (request.url ?? "").split("/")
  if (request.method !== "POST" || version !== "v1" || collection !== "uploads") {
    return refuse(response, 404, `There is no ${request.method} ${request.url}`)
  }
  if (id === undefined) return create(request, response)
  const upload = uploads.get(id)
  if (upload === undefined) return refuse(response, 404, `There is no ${id}`)
  switch (action) {
    case "parts":
      return addPart(upload, request, response)
    case "complete":
      return complete(upload, request, response)
    case "cancel":
      return cancel(upload, request, response)
    default:
      return refuse(response, 404, `There is no ${request.url}`)
  }
}

const server = Http.createServer((request, response) => {
  Promise.resolve(serve(request, response)).catch((error: unknown) => {
    // A client that went away in the middle of its request gets no answer.
    if (!request.destroyed) refuse(response, 500, String(error))
  })
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  process.stdout.write(`${JSON.stringify({ port })}\n`)
})
