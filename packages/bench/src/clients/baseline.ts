/**
 * The baseline, the least that a program on Node can do: `node:http` with ranges of the file piped into requests of known
 * length, one connection for each concurrent request. No multipart framing, no checksum, no retries, no error handling.
 */
import { createReadStream } from "node:fs"
import * as Http from "node:http"
import { pipeline } from "node:stream/promises"
import { mapConcurrent, ranges } from "./internal/concurrency.js"
import { measured } from "./internal/measured.js"
import { apiKey, task } from "./internal/task.js"

const agent = new Http.Agent({ keepAlive: true, maxSockets: task.concurrency })

/** Sends a request whose body `send` writes. Returns the `id` of the response. */
const post = (path: string, length: number, send: (request: Http.ClientRequest) => Promise<void>): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = Http.request(`${task.apiUrl}${path}`, {
      method: "POST",
      agent,
      headers: { authorization: `Bearer ${apiKey}`, "content-length": length }
    }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (text: string) => {
        body += text
      })
      response.on("end", () => {
        const id = /"id":"([^"]*)"/.exec(body)?.[1]
        if (response.statusCode === 200 && id !== undefined) resolve(id)
        else reject(new Error(`${response.statusCode} ${body}`))
      })
    })
    request.on("error", reject)
    send(request).catch(reject)
  })

const postJson = (path: string, value: unknown): Promise<string> => {
  const body = JSON.stringify(value)
  return post(path, Buffer.byteLength(body), async (request) => {
    request.end(body)
  })
}

await measured(async () => {
  const id = await postJson("/uploads", {
    filename: "bench.bin",
    bytes: task.bytes,
    mime_type: "application/octet-stream",
    purpose: "user_data"
  })
  const parts = await mapConcurrent(
    task.concurrency,
    ranges(task.bytes, task.partBytes),
    ({ bytes, offset }) =>
      post(`/uploads/${id}/parts`, bytes, (request) =>
        pipeline(
          createReadStream(task.path, { start: offset, end: offset + bytes - 1, highWaterMark: task.chunkBytes }),
          request
        ))
  )
  await postJson(`/uploads/${id}/complete`, { part_ids: parts })
})
