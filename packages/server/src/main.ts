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
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { setFlagsFromString } from "node:v8"
import * as commandLine from "./internal/arguments.js"
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

const warnAboutVariables = Effect.forEach(
  commandLine.unknownVariables(Object.keys(process.env)),
  (name) => Effect.logWarning(`The environment variable ${name} is unknown and ignored. See --help`),
  { discard: true }
)

const serve = Effect.zipRight(warnAboutVariables, server).pipe(
  Effect.tapErrorCause(report),
  Effect.provide(logger)
)

const Manifest = Schema.parseJson(Schema.Struct({ version: Schema.String }))

/** The manifest of the package is above `src`, and above the folder of the bundled command. */
const version = Effect.firstSuccessOf(
  ["../package.json", "../../package.json"].map((path) =>
    Effect.flatMap(
      Effect.try(() => readFileSync(new URL(path, import.meta.url), "utf8")),
      Schema.decode(Manifest)
    )
  )
).pipe(Effect.map(({ version }) => version))

const program = (args: commandLine.Arguments): Effect.Effect<void, unknown> => {
  switch (args._tag) {
    case "Help":
      return Console.log(commandLine.help.trimEnd())
    case "Version":
      return Effect.flatMap(version, Console.log)
    case "Invalid":
      return Effect.zipRight(
        Console.error(`${args.message}\n\n${commandLine.help.trimEnd()}`),
        Effect.sync(() => {
          process.exitCode = 2
        })
      )
    case "Serve":
      return serve
  }
}

NodeRuntime.runMain(program(commandLine.parse(process.argv.slice(2))), {
  disableErrorReporting: true,
  disablePrettyLogger: true
})
