/**
 * `pnpm start [FILE]`: serves the Uploads API from memory on a free port of 127.0.0.1, and sends FILE to it over real HTTP.
 */
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { createServer } from "node:http"
import { roundTrip } from "./roundTrip.js"
import * as sourceFile from "./sourceFile.js"

const server = HttpApiBuilder.serve().pipe(
  Layer.provide(UploadsRoutes.layer),
  Layer.provide([UploadsMemory.layerMemory, FilesMemory.layerMemory]),
  Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" }))
)

const client = Layer.unwrapEffect(
  HttpServer.addressFormattedWith((apiUrl) =>
    Effect.as(Console.log(`Serving the Uploads API in memory on ${apiUrl}`), NodeUploads.layer({ apiUrl }))
  )
)

/** The folder in which the command was typed. Package managers change to the folder of the package and set this variable. */
const workingDirectory = Config.withDefault(Config.string("INIT_CWD"), process.cwd())

const main = Effect.gen(function*() {
  // `pnpm start -- FILE` passes `--` as an argument.
  const [first] = process.argv.slice(2).filter((argument) => argument !== "--")
  const path = Option.fromNullable(first)
  const file = yield* Option.match(path, {
    onNone: () => sourceFile.generate,
    onSome: (path) => Effect.flatMap(workingDirectory, (directory) => sourceFile.open(directory, path))
  })
  yield* roundTrip(file).pipe(Effect.provide(Layer.provide(client, server)))
  yield* Console.log("\nAll checks passed.")
})

main.pipe(
  Effect.scoped,
  Effect.provide(NodeContext.layer),
  Effect.tapErrorCause((cause) =>
    Console.error(
      Option.match(Cause.failureOption(cause), {
        onNone: () => Cause.pretty(cause),
        onSome: (error) => error instanceof Error ? error.message : String(error)
      })
    )
  ),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
