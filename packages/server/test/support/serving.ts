import * as Server from "@effect-uploads/server/Server"
import { ServerConfig } from "@effect-uploads/server/ServerConfig"
import * as HttpServer from "@effect/platform/HttpServer"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import OpenAI from "openai"
import { temporaryDirectory } from "./stores.js"

/*
 * The whole server in this process, and what its clients send it.
 */

export const configOf = (env: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(ServerConfig, ConfigProvider.fromMap(new Map(Object.entries(env))))

export interface Serving {
  readonly url: string
  readonly directory: string
  /** The lines of its log, of every level. */
  readonly log: ReadonlyArray<string>
}

/** On a free port, and in a folder of its own unless it is told another. */
export const serving = (env: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function*() {
    const directory = env["UPLOADS_DATA_DIR"] ?? (yield* temporaryDirectory)
    const config = yield* configOf({ UPLOADS_PORT: "0", UPLOADS_DATA_DIR: directory, ...env })
    const log: Array<string> = []
    const logger = Logger.make((options) => {
      log.push(Logger.logfmtLogger.log(options))
    })
    const context = yield* Layer.build(Server.layer(config)).pipe(
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.All)
    )
    const url = yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), context)
    return { url, directory, log } satisfies Serving
  })

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export const send = (url: string, init?: RequestInit): Effect.Effect<Reply> =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

/** What a client of the API does, by the paths below a URL. */
export const clientOf = (url: string, key?: string) => {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const post = (path: string, body?: BodyInit) =>
    send(`${url}${path}`, { method: "POST", headers, ...(body === undefined ? {} : { body }) })
  const form = (bytes: Uint8Array, name: string) => {
    const data = new FormData()
    data.append("data", new Blob([new Uint8Array(bytes)]), name)
    return data
  }
  const client = {
    create: (bytes: number, filename = "data.jsonl") =>
      post("/v1/uploads", JSON.stringify({ filename, purpose: "fine-tune", bytes, mime_type: "text/jsonl" })),
    addPart: (uploadId: string, bytes: Uint8Array, name = "data") =>
      post(`/v1/uploads/${uploadId}/parts`, form(bytes, name)),
    complete: (uploadId: string, partIds: ReadonlyArray<string>) =>
      post(`/v1/uploads/${uploadId}/complete`, JSON.stringify({ part_ids: partIds })),
    cancel: (uploadId: string) => post(`/v1/uploads/${uploadId}/cancel`),
    list: send(`${url}/v1/files`, { headers }),
    retrieve: (fileId: string) => send(`${url}/v1/files/${fileId}`, { headers }),
    content: (fileId: string, more: Record<string, string> = {}) =>
      send(`${url}/v1/files/${fileId}/content`, { headers: { ...headers, ...more } }),
    delete: (fileId: string) => send(`${url}/v1/files/${fileId}`, { method: "DELETE", headers }),
    /** A File of these parts. */
    file: (...parts: ReadonlyArray<Uint8Array>) =>
      Effect.gen(function*() {
        const uploadId = idOf(yield* client.create(parts.reduce((sum, { byteLength }) => sum + byteLength, 0)))
        const added = yield* Effect.forEach(parts, (part) => client.addPart(uploadId, part))
        return { uploadId, fileId: fileIdOf(yield* client.complete(uploadId, added.map(idOf))) }
      })
  }
  return client
}

const stringAt = (text: string, ...path: ReadonlyArray<string>): string => {
  const found = path.reduce((value: unknown, key) => Object(value)[key], JSON.parse(text))
  if (typeof found === "string") return found
  throw new Error(`no ${path.join(".")} in ${text}`)
}

export const idOf = ({ text }: Reply): string => stringAt(text, "id")

export const fileIdOf = ({ text }: Reply): string => stringAt(text, "file", "id")

export const codeOf = ({ text }: Reply): unknown => JSON.parse(text).error.code

export const sdkOf = (url: string, apiKey = "sk-any") => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })

export interface Connection {
  readonly socket: Net.Socket
  /** All that has arrived. */
  readonly received: () => string
  readonly closed: Effect.Effect<void>
}

/** A connection on which anything can be sent. */
export const connect = (url: string): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Connection>((resume) => {
      const { hostname, port } = new URL(url)
      let text = ""
      const socket = Net.connect({ host: hostname, port: Number(port) })
      const closing = new Promise<void>((resolve) => socket.once("close", () => resolve()))
      socket.on("error", () => socket.destroy())
      socket.on("data", (data) => {
        text += data.toString("latin1")
      })
      socket.once("connect", () =>
        resume(Effect.succeed({ socket, received: () => text, closed: Effect.promise(() => closing) })))
    }),
    ({ closed, socket }) =>
      Effect.zipRight(Effect.sync(() => socket.destroy()), closed)
  )

/** Waits until it holds, and fails the test if it never does. */
export const eventually = (what: string, condition: () => boolean): Effect.Effect<void> =>
  Effect.sync(condition).pipe(
    Effect.tap((holds) => holds ? Effect.void : Effect.sleep("5 millis")),
    Effect.repeat({ until: (holds) => holds }),
    Effect.timeoutFail({ duration: "10 seconds", onTimeout: () => new Error(`It never came to be: ${what}`) }),
    Effect.orDie,
    Effect.asVoid
  )
