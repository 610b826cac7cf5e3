/** Sends the same bytes to each kind of server, in the protocol of the server. The bytes come from memory, not from a file. */
import { ok } from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import type { ClientRequest } from "node:http"
import type { Range } from "./internal/concurrency.js"
import { mapConcurrent, ranges } from "./internal/concurrency.js"
import { measured } from "./internal/measured.js"
import { idIn, postJson, request } from "./internal/request.js"
import { task } from "./internal/task.js"

const block = randomBytes(task.chunkBytes)

/** Writes the given number of bytes with back-pressure. */
const write = async (request: ClientRequest, bytes: number): Promise<void> => {
  for (let left = bytes; left > 0; left -= block.byteLength) {
    if (!request.write(left < block.byteLength ? block.subarray(0, left) : block)) await once(request, "drain")
  }
}

/** `begin` runs before the parts, `end` after them. The parts are sent concurrently. */
interface Protocol<Upload, Part> {
  readonly begin: () => Promise<Upload>
  readonly part: (upload: Upload, range: Range) => Promise<Part>
  readonly end: (upload: Upload, parts: ReadonlyArray<Part>) => Promise<unknown>
}

const put = async <Upload, Part>({ begin, end, part }: Protocol<Upload, Part>): Promise<void> => {
  const upload = await begin()
  const parts = await mapConcurrent(
    task.concurrency,
    ranges(task.bytes, task.partBytes),
    (range) => part(upload, range)
  )
  await end(upload, parts)
}

const nothing = () => Promise.resolve()

// The same length as in the official client, because a longer boundary is found faster.
const boundary = "----formdata-undici-048261937045"
const head = `--${boundary}\r\nContent-Disposition: form-data; name="data"; filename="part"\r\n` +
  "Content-Type: application/octet-stream\r\n\r\n"
const tail = `\r\n--${boundary}--\r\n`

const protocols: Readonly<Record<string, () => Promise<void>>> = {
  uploads: () =>
    put({
      begin: () =>
        postJson("/v1/uploads", {
          filename: "bench.bin",
          bytes: task.bytes,
          mime_type: "application/octet-stream",
          purpose: "user_data"
        }),
      part: async (id, { bytes }) => {
        const { body } = await request({
          method: "POST",
          path: `/v1/uploads/${id}/parts`,
          headers: {
            "content-type": `multipart/form-data; boundary=${boundary}`,
            "content-length": head.length + bytes + tail.length
          },
          send: async (request) => {
            request.write(head)
            await write(request, bytes)
            request.end(tail)
          }
        })
        return idIn(body)
      },
      end: (id, part_ids) => postJson(`/v1/uploads/${id}/complete`, { part_ids })
    }),

  bodies: () =>
    put({
      begin: nothing,
      part: (_, { bytes }) =>
        request({
          method: "POST",
          path: "/",
          headers: { "content-length": bytes },
          send: async (request) => {
            await write(request, bytes)
            request.end()
          }
        }),
      end: nothing
    }),

  tus: () =>
    put({
      begin: nothing,
      part: async (_, { bytes }) => {
        const { headers: { location } } = await request({
          method: "POST",
          path: "/files",
          headers: { "tus-resumable": "1.0.0", "upload-length": bytes, "content-length": 0 }
        })
        ok(location !== undefined, "the tus server sent no location header")
        await request({
          method: "PATCH",
          path: location,
          headers: {
            "tus-resumable": "1.0.0",
            "upload-offset": 0,
            "content-type": "application/offset+octet-stream",
            "content-length": bytes
          },
          send: async (request) => {
            await write(request, bytes)
            request.end()
          }
        })
      },
      end: nothing
    })
}

const send = protocols[task.protocol]
ok(send !== undefined, `Unknown protocol ${task.protocol}`)
await measured(send)
