import { UploadId } from "@effect-uploads/domain/Ids"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { AddressInfo, Socket } from "node:net"

/** The method that a request calls. */
export type Kind = "create" | "addPart" | "complete" | "cancel" | "files"

/**
 * What the proxy does with one request.
 *
 * - `Pass`: forwards it after a delay.
 * - `Reject`: responds with an error, after it read the request or before.
 * - `CutRequest`: closes the connection after a number of bytes of the body, at its end at the latest.
 * - `CutResponse`: the service acts. The connection closes after a number of bytes of the response, head included.
 * - `LoseResponse`: the service acts. The connection closes without a response.
 * - `StallReading`: reads no more after a number of bytes of the body.
 * - `StallResponse`: the service acts. The connection stays open without a response.
 * - `Duplicate`: forwards it twice at the same time. The client receives the first response or the second.
 * - `Swap`: holds the response until the run's next one, or for 100 ms.
 */
export type Fault = Data.TaggedEnum<{
  Pass: { readonly delay: number }
  Reject: { readonly status: number; readonly retryAfterMillis: Option.Option<number>; readonly read: boolean }
  CutRequest: { readonly after: number; readonly reset: boolean }
  CutResponse: { readonly after: number; readonly reset: boolean }
  LoseResponse: { readonly delay: number }
  StallReading: { readonly after: number }
  StallResponse: object
  Duplicate: { readonly received: "first" | "second" }
  Swap: object
}>

export const Fault = Data.taggedEnum<Fault>()

/** The faults of one run. */
export interface Script {
  /** The fault for the next request of a kind. */
  readonly next: (kind: Kind) => Fault
  /** Called with the size of each chunk that is forwarded to the service. */
  readonly onBytes?: (bytes: number) => void
}

export interface ChaosProxy {
  /** The URL of a run. It identifies the requests of the run. */
  readonly url: (run: string) => string
  readonly begin: (run: string, script: Script) => void
  /** The Uploads whose creation response was sent completely. */
  readonly responded: (run: string) => ReadonlySet<UploadId>
  /** The number of each fault. */
  readonly played: ReadonlyMap<string, number>
  /** The number of requests without a complete response. */
  readonly underWay: () => number
  /** The number of open connections of clients. */
  readonly connections: () => number
}

const kindOf = (path: string): Kind => {
  if (path === "/uploads") return "create"
  const [kind] = (["complete", "cancel"] as const).filter((kind) => path.endsWith(`/${kind}`))
  return kind ?? (path.endsWith("/parts") ? "addPart" : "files")
}

const decodeCreated = Schema.decodeUnknownOption(Schema.parseJson(Schema.Struct({ id: UploadId })))

const destroy = (socket: Socket, reset: boolean) => {
  if (reset) socket.resetAndDestroy()
  else socket.destroy()
}

/** The bytes of a response. */
const rawResponse = ({ headers, statusCode = 500, statusMessage = "" }: http.IncomingMessage, body: Buffer): Buffer => {
  const lines = Object.entries(headers)
    .filter(([name]) => !["connection", "keep-alive", "transfer-encoding", "content-length"].includes(name))
    .map(([name, value]) => `${name}: ${String(value)}`)
  const head = [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines, `content-length: ${body.byteLength}`]
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body])
}

const errorBody = (status: number) =>
  JSON.stringify({ error: { message: `The proxy says ${status}`, type: "server_error", param: null, code: null } })

/** The longest time for which the response of a swap waits for the next one, in milliseconds. */
const longestSwap = 100

export interface Target {
  /** The port of a service on the loopback. */
  readonly port: number
  /** The path of the API. Default: none. */
  readonly prefix?: string
  /** Leaves `Idempotency-Key` out, for a service that knows no keys. */
  readonly dropKeys?: boolean
}

/** A proxy in front of a service. It applies to each request the fault of its run. */
export const make = (target: Target): Effect.Effect<ChaosProxy, never, Scope.Scope> =>
  Effect.gen(function*() {
    const swaps = new Map<string, () => void>()
    const scripts = new Map<string, Script>()
    const responded = new Map<string, Set<UploadId>>()
    const played = new Map<string, number>()
    const sockets = new Set<Socket>()
    const open = new Set<http.ServerResponse>()
    const agent = new http.Agent({ keepAlive: true })

    const send = ({ headers, method }: http.IncomingMessage, path: string) => {
      const { "idempotency-key": _, ...withoutKey } = headers
      return http.request({
        host: "127.0.0.1",
        port: target.port,
        path: `${target.prefix ?? ""}${path}`,
        method,
        headers: target.dropKeys === true ? withoutKey : headers,
        agent
      })
    }

    interface Exchange {
      readonly run: string
      readonly path: string
      readonly kind: Kind
      readonly request: http.IncomingMessage
      readonly response: http.ServerResponse
    }

    const respond = ({ kind, response, run }: Exchange, incoming: http.IncomingMessage, body: Buffer) => {
      const created = kind === "create" && incoming.statusCode === 200 ? decodeCreated(`${body}`) : Option.none()
      response.on("finish", () => {
        if (Option.isSome(created)) responded.set(run, new Set(responded.get(run)).add(created.value.id))
      })
      const { connection: _, "keep-alive": __, "transfer-encoding": ___, ...headers } = incoming.headers
      response.writeHead(incoming.statusCode ?? 500, { ...headers, "content-length": body.byteLength })
      response.end(body)
      const swapped = swaps.get(run)
      swaps.delete(run)
      swapped?.()
    }

    const collect = (exchange: Exchange, outgoing: http.ClientRequest, onBody: typeof respond) => {
      const destroy = () => exchange.request.socket.destroy()
      outgoing.on("error", destroy)
      outgoing.on("response", (incoming) => {
        const chunks: Array<Buffer> = []
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
        incoming.on("error", destroy)
        incoming.on("end", () => onBody(exchange, incoming, Buffer.concat(chunks)))
      })
    }

    const duplicate = (exchange: Exchange, received: "first" | "second") => {
      const chunks: Array<Buffer> = []
      let responses = 0
      exchange.request.on("data", (chunk: Buffer) => chunks.push(chunk))
      exchange.request.on("end", () => {
        for (const _ of ["first", "second"]) {
          const outgoing = send(exchange.request, exchange.path)
          collect(exchange, outgoing, (...args) => {
            if (responses++ === (received === "first" ? 0 : 1)) respond(...args)
          })
          outgoing.end(Buffer.concat(chunks))
        }
      })
    }

    const swap = (run: string, respond: () => void) => {
      const before = swaps.get(run)
      if (before !== undefined) return respond()
      swaps.set(run, respond)
      setTimeout(() => {
        if (swaps.get(run) !== respond) return
        swaps.delete(run)
        respond()
      }, longestSwap)
    }

    /** Forwards a request and its response as far as the fault allows. */
    const forward = (exchange: Exchange, fault: Fault) => {
      const { path, request, response, run } = exchange
      const { socket } = request
      const outgoing = send(request, path)
      response.on("close", () => {
        if (!response.writableFinished) outgoing.destroy()
      })

      collect(exchange, outgoing, (_, incoming, body) => {
        switch (fault._tag) {
          case "LoseResponse":
            setTimeout(() => socket.destroy(), fault.delay)
            return
          case "CutResponse": {
            const raw = rawResponse(incoming, body)
            socket.write(raw.subarray(0, fault.after % raw.byteLength), () => destroy(socket, fault.reset))
            return
          }
          case "StallResponse":
            return
          case "Swap":
            return swap(run, () => respond(exchange, incoming, body))
        }
        respond(exchange, incoming, body)
      })

      const limit = fault._tag === "CutRequest" || fault._tag === "StallReading" ? fault.after : Infinity
      let bytes = 0
      const cut = () => {
        if (fault._tag !== "CutRequest") return
        outgoing.destroy()
        destroy(socket, fault.reset)
      }
      request.on("data", (chunk: Buffer) => {
        if (bytes >= limit) return
        const own = chunk.subarray(0, limit - bytes)
        bytes += own.byteLength
        scripts.get(run)?.onBytes?.(own.byteLength)
        const full = bytes >= limit
        const drained = outgoing.write(own, () => full && cut())
        if (full && fault._tag === "StallReading") request.pause()
        else if (!drained) {
          request.pause()
          outgoing.once("drain", () => request.resume())
        }
      })
      request.on("end", () => {
        if (fault._tag === "CutRequest") cut()
        else if (fault._tag !== "StallReading") outgoing.end()
      })
    }

    const reject = (
      { read, retryAfterMillis, status }: Extract<Fault, { readonly _tag: "Reject" }>,
      request: http.IncomingMessage,
      response: http.ServerResponse
    ) => {
      const respond = () => {
        response.writeHead(status, {
          "content-type": "application/json",
          ...Option.match(retryAfterMillis, {
            onNone: () => ({}),
            onSome: (millis) => ({ "retry-after-ms": `${millis}` })
          }),
          ...(read ? {} : { connection: "close" })
        })
        response.end(errorBody(status))
      }
      if (!read) return respond()
      request.resume()
      request.on("end", respond)
    }

    const server = http.createServer((request, response) => {
      const [, run = "", ...segments] = (request.url ?? "").split("/")
      const path = `/${segments.join("/")}`
      const kind = kindOf(path)
      const fault = scripts.get(run)?.next(kind) ?? Fault.Pass({ delay: 0 })
      played.set(fault._tag, (played.get(fault._tag) ?? 0) + 1)
      open.add(response)
      response.on("close", () => open.delete(response))
      request.on("error", () => request.socket.destroy())
      const exchange = { run, path, kind, request, response }
      if (fault._tag === "Reject") return reject(fault, request, response)
      if (fault._tag === "Duplicate") return duplicate(exchange, fault.received)
      const delay = fault._tag === "Pass" ? fault.delay : 0
      if (delay === 0) forward(exchange, fault)
      else setTimeout(() => request.destroyed || forward(exchange, fault), delay)
    })
    server.keepAliveTimeout = 60_000
    server.on("connection", (socket) => {
      sockets.add(socket)
      socket.on("error", () => socket.destroy())
      socket.on("close", () => sockets.delete(socket))
    })

    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.async<void>((resume) => {
          agent.destroy()
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const port = portOf(server.address())

    return {
      url: (run) => `http://127.0.0.1:${port}/${run}`,
      begin: (run, script) => void scripts.set(run, script),
      responded: (run) => responded.get(run) ?? new Set(),
      played,
      underWay: () => open.size,
      connections: () => sockets.size
    }
  })

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0
