#!/usr/bin/env node
/**
 * The command: a server as its environment says. The first line on stdout is its URL; the log goes to stderr.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Server from "./Server.js"
import { ServerConfig } from "./ServerConfig.js"

const announce = Layer.effectDiscard(HttpServer.addressFormattedWith(Console.log))

const server = Layer.unwrapEffect(Effect.map(ServerConfig, (config) =>
  announce.pipe(
    Layer.provide(Server.layer(config)),
    Layer.provide(Logger.minimumLogLevel(config.logLevel))
  ))).pipe(
    Layer.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
  )

NodeRuntime.runMain(Layer.launch(server), { disablePrettyLogger: true })
