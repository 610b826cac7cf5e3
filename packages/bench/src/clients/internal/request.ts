import { ok } from "node:assert/strict"
import * as Http from "node:http"
import { text } from "node:stream/consumers"
import { apiKey, task } from "./task.js"

const agent = new Http.Agent({ keepAlive: true, maxSockets: task.concurrency })

interface Options {
  readonly method: string
  /** A path on the server, or a whole URL of it. */
  readonly path: string
  readonly headers?: Http.OutgoingHttpHeaders
  /** Writes the body and ends the request. Default: no body. */
  readonly send?: (request: Http.ClientRequest) => Promise<void>
}

/** A minimal client on Node, so that the server is measured and not the client. */
export const open = ({ headers, method, path, send }: Options): Promise<Http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = Http.request(new URL(path, task.apiUrl), {
      method,
      agent,
      headers: { authorization: `Bearer ${apiKey}`, ...headers }
    }, resolve)
    request.on("error", reject)
    if (send === undefined) request.end()
    else send(request).catch(reject)
  })

/** The headers and the text of a successful response. Throws on any other status. */
export const request = async (options: Options) => {
  const response = await open(options)
  const body = await text(response)
  const { headers, statusCode = 0 } = response
  ok(statusCode >= 200 && statusCode < 300, `${options.path}: ${statusCode} ${body}`)
  return { headers, body }
}

/** Sends a value as JSON and returns the `id` of the response. */
export const postJson = async (path: string, value: unknown): Promise<string> => {
  const json = JSON.stringify(value)
  const { body } = await request({
    method: "POST",
    path,
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(json) },
    send: async (request) => {
      request.end(json)
    }
  })
  return idIn(body)
}

/** The `id` in a response body. */
export const idIn = (body: string): string => {
  const id = /"id":\s*"([^"]*)"/.exec(body)?.[1]
  ok(id !== undefined, `No id in ${body}`)
  return id
}
