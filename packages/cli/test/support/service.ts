import * as Server from "@effect-uploads/server/Server"
import { ServerConfig } from "@effect-uploads/server/ServerConfig"
import * as HttpServer from "@effect/platform/HttpServer"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Http from "node:http"
import { temporaryFolder } from "./inProcess.js"

/*
 * The durable server on the loopback, and a proxy before it that fails as it is told.
 */

/** What becomes of a request: it is passed on, replied to with a status, or its connection is broken. */
export type Fault = "none" | "reset" | 401 | 429 | 500

interface Service {
  /** The requests that came, such as `POST /v1/uploads`. Ids are left out. */
  readonly requests: ReadonlyArray<string>
  /** What becomes of a request, the `count`th of its name. */
  fault: (request: string, count: number) => Fault
}

const apiKey = "sk-key-of-the-test"

/** An error response in the form of OpenAI's. */
const fail = (response: Http.ServerResponse, status: number) => {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_fault" })
  response.end(JSON.stringify({ error: { message: "as the test wants it", type: "test", param: null, code: null } }))
}

const proxy = (target: string, service: { readonly requests: Array<string>; fault: Service["fault"] }) =>
  Effect.acquireRelease(
    Effect.async<{ url: string; server: Http.Server }>((resume) => {
      const server = Http.createServer((request, response) => {
        const name = `${request.method} ${request.url}`
          .replace(/(upload|part)_[0-9a-f]+|file-\w+/g, "ID").replace(/\?.*/, "")
        service.requests.push(name)
        const fault = service.fault(name, service.requests.filter((other) => other === name).length)
        if (fault === "reset") return request.socket.destroy()
        if (fault !== "none") {
          request.resume()
          return fail(response, fault)
        }
        const onward = Http.request(
          `${target}${request.url}`,
          { method: request.method, headers: request.headers },
          (reply) => {
            response.writeHead(reply.statusCode ?? 500, reply.headers)
            reply.pipe(response)
          }
        )
        onward.on("error", () => request.socket.destroy())
        request.on("error", () => onward.destroy())
        response.on("close", () => onward.destroy())
        request.pipe(onward)
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed({ server, url: typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "" }))
      })
    }),
    ({ server }) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

/** The server behind its proxy, with the environment in which the command reaches it. */
export const start = Effect.gen(function*() {
  const directory = yield* temporaryFolder
  const config = yield* Effect.withConfigProvider(
    ServerConfig,
    ConfigProvider.fromMap(
      new Map([["UPLOADS_PORT", "0"], ["UPLOADS_DATA_DIR", directory], ["UPLOADS_API_KEYS", `project:${apiKey}`]])
    )
  )
  const context = yield* Layer.build(Server.layer(config)).pipe(Logger.withMinimumLogLevel(LogLevel.None))
  const target = yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), context)
  const requests: Array<string> = []
  const fault: Service["fault"] = () => "none"
  const service = { requests, fault }
  const { url } = yield* proxy(target, service)
  return Object.assign(service, { url: `${url}/v1`, env: { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: apiKey } })
})
