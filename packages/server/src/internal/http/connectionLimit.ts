import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import { readdirSync, readFileSync } from "node:fs"
import type { Server } from "node:http"
import { connectionsRefused } from "./serverMetrics.js"

/** The descriptors of a connection: its socket, and up to three files that a request has open at the same time. */
const descriptorsOfConnection = 4

/** Descriptors for the database, for the sweeper and for the health check. */
const reserve = 24

/** The limit of this process, from the table in `/proc/self/limits`. None where there is no such table, or no limit. */
const descriptorLimit = (limits: string): Option.Option<number> =>
  Option.map(Option.fromNullable(/^Max open files\s+(\d+)/m.exec(limits)?.[1]), Number)

/** The connections that a process may have with this limit and so many open descriptors. At least one. */
const maximumConnections = (limit: number, open: number): number =>
  Math.max(1, Math.floor((limit - open - reserve) / descriptorsOfConnection))

/** Linux tells the limit and the open descriptors. Elsewhere the number of connections has no limit. */
const detect: Effect.Effect<Option.Option<number>> = Effect.try(() =>
  Option.map(
    descriptorLimit(readFileSync("/proc/self/limits", "utf8")),
    (limit) => maximumConnections(limit, readdirSync("/proc/self/fd").length)
  )
).pipe(Effect.orElseSucceed(() => Option.none()))

/**
 * Refuses connections before the process runs out of file descriptors: without one, a request could neither store nor read a
 * file. The first refused connection is logged, and all of them are counted.
 */
export const apply = (server: Server): Effect.Effect<void> =>
  Effect.gen(function*() {
    const maximum = yield* detect
    if (Option.isNone(maximum)) return
    const runtime = yield* Effect.runtime()
    const warn = Effect.logWarning(
      `The server refuses connections, because the process may open no more files: it serves at most ${maximum.value} ` +
        "connections at the same time. Raise the limit with `ulimit -n`. This is logged once"
    )
    let isLogged = false
    server.maxConnections = maximum.value
    server.on("drop", () => {
      const log = isLogged ? Effect.void : warn
      isLogged = true
      Runtime.runSync(runtime)(Effect.zipRight(log, Metric.increment(connectionsRefused)))
    })
  })
