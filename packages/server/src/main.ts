#!/usr/bin/env node
/**
 * The command: runs a server, configured by the environment. The first line on stdout is its URL; the log goes to stderr.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { setFlagsFromString } from "node:v8"
import * as startupError from "./internal/startupError.js"
import * as Server from "./Server.js"
import { ServerConfig } from "./ServerConfig.js"

/**
 * Lets the heap grow further before V8 collects all of it. A heap this small is collected often, which was measured to cost 3 %
 * of the commands per second. The price is 30 MiB under load.
 */
setFlagsFromString("--heap-growing-percent=400")

/** Changes to the folder where the command was typed, because a package script runs in the folder of its package. */
const { INIT_CWD, npm_package_name } = process.env
if (npm_package_name === "@effect-uploads/server" && INIT_CWD !== undefined) process.chdir(INIT_CWD)

const announce = Layer.effectDiscard(HttpServer.addressFormattedWith(Console.log))

const server = Effect.flatMap(
  ServerConfig,
  (config) =>
    Server.layer(config).pipe(
      // The command exports no spans, and making them is a fifth of the cost of a small request.
      HttpMiddleware.withTracerDisabledWhen(() => true),
      (server) => Layer.launch(Layer.provide(announce, server)),
      Logger.withMinimumLogLevel(config.logLevel),
      Effect.withTracerEnabled(false)
    )
)

const logger = Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger))

const report = (cause: Cause.Cause<startupError.StartupError>) =>
  Either.match(Cause.failureOrCause(cause), {
    onLeft: (error) => Effect.logError(startupError.describe(error)),
    onRight: (cause) => Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logFatal(cause)
  })

server.pipe(
  Effect.tapErrorCause(report),
  Effect.provide(logger),
  NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true })
)
