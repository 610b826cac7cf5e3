import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import type { Server } from "node:http"
import { rejection } from "./rejection.js"

/**
 * Sends `100 Continue` when the body of a request begins to be read. A request that is rejected by its headers gets its error
 * response instead, before the client sends the body: RFC 9110, section 10.1.1. Node by itself sends 100 first.
 */
export const continueOnRead = (server: Server): Effect.Effect<void> =>
  Effect.sync(() => {
    server.on("checkContinue", (request, response) => {
      let isAwaited = true
      // A body is read by a listener of one of these events. Node discards an unread body without one.
      request.on("newListener", (event) => {
        if (!isAwaited || (event !== "data" && event !== "readable")) return
        isAwaited = false
        if (!response.headersSent) response.writeContinue()
      })
      server.emit("request", request, response)
    })
    // The middleware below responds to it.
    server.on("checkExpectation", (request, response) => server.emit("request", request, response))
  })

const failed = rejection(417, {
  code: "expectation_failed",
  message: "The Expect header of the request can only be 100-continue"
})

/** Rejects a request that expects anything but `100-continue`. */
export const middleware = HttpMiddleware.make((app) =>
  Effect.flatMap(
    HttpServerRequest.HttpServerRequest,
    ({ headers }) => /^[\s,]*(?:100-continue[\s,]*)*$/i.test(headers["expect"] ?? "") ? app : Effect.succeed(failed)
  )
)
