import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"

/*
 * A connection that can be cut or held, between a browser and the server.
 */

export interface Proxy {
  readonly url: string
  /** The bytes that went to the server until now. */
  readonly sentBytes: () => number
  /**
   * Does this when so many more bytes have gone to the server. `cut` closes all connections and each new one, `hold` lets no byte
   * through.
   */
  readonly after: (bytes: number, action: "cut" | "hold") => void
  /** Accepts connections and lets their bytes through, now and later. */
  readonly release: () => void
}

export const proxyTo = (target: string): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { hostname, port } = new URL(target)
    const clients = new Set<Net.Socket>()
    let sentBytes = 0
    let isHeld = false
    let isCut = false
    let plan: { readonly at: number; readonly action: "cut" | "hold" } | undefined
    const server = Net.createServer((client) => {
      if (isCut) return void client.destroy()
      const upstream = Net.connect({ host: hostname, port: Number(port) })
      clients.add(client)
      const end = () => {
        clients.delete(client)
        client.destroy()
        upstream.destroy()
      }
      for (const socket of [client, upstream]) socket.on("error", end).on("close", end)
      upstream.pipe(client)
      client.on("data", (chunk) => {
        sentBytes += chunk.byteLength
        if (plan !== undefined && sentBytes >= plan.at) {
          const { action } = plan
          plan = undefined
          isCut = action === "cut"
          isHeld = action === "hold"
          if (isCut) return void [...clients].forEach((client) => client.destroy())
        }
        if (!upstream.write(chunk)) client.pause()
        if (isHeld) client.pause()
      })
      upstream.on("drain", () => {
        if (!isHeld) client.resume()
      })
    })
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.async<void>((resume) => {
          for (const client of clients) client.destroy()
          server.close(() => resume(Effect.void))
        })
    )
    return {
      url: `http://127.0.0.1:${Object(server.address()).port}`,
      sentBytes: () => sentBytes,
      after: (bytes, action) => {
        plan = { at: sentBytes + bytes, action }
      },
      release: () => {
        plan = undefined
        isHeld = false
        isCut = false
        for (const client of clients) client.resume()
      }
    }
  })
