import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { hostnameOf, isLoopback } from "./loopback.js"
import { rejection } from "./rejection.js"
import { hostOf } from "./requestTarget.js"

const reject = (code: string, message: string) => Effect.succeed(rejection(403, { code, message }))

/**
 * Rejects requests that a web page made without the consent of the user.
 *
 * Without keys the server trusts every request from this machine, and a browser on this machine sends the requests of any page.
 * So `Host` has to be the loopback, because a page can point the DNS name of its own host to the loopback (DNS rebinding). And
 * `Origin`, if there is one, has to be the loopback or a configured origin. With keys no page can make a valid request.
 */
export const middleware = (options: { readonly hasKeys: boolean; readonly corsOrigins: ReadonlyArray<string> }) =>
  HttpMiddleware.make((app) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      if (options.hasKeys) return app
      const isLocal = (url: string) => Option.exists(hostnameOf(url), isLoopback)
      if (!isLocal(`http://${hostOf(request)}`)) {
        return reject(
          "forbidden_host",
          "Without API keys the Host of a request must be localhost or a loopback address"
        )
      }
      const origin = request.headers["origin"]
      return origin === undefined || options.corsOrigins.includes(origin) || isLocal(origin)
        ? app
        : reject(
          "forbidden_origin",
          "Without API keys the Origin of a request must be the loopback or one of UPLOADS_CORS_ORIGINS"
        )
    })
  )
