import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Module from "node:module"
import { ServerEnded, ServerNotInstalled } from "../CliError.js"
import { Environment } from "../Environment.js"
import * as common from "./commonOptions.js"

const options = {
  host: Options.text("host").pipe(
    Options.withPseudoName("ADDRESS"),
    Options.optional,
    Options.withDescription("The address to listen on. Default: UPLOADS_HOST, else 127.0.0.1.")
  ),
  port: common.wholeNumber("port", 0, 65_535).pipe(
    Options.optional,
    Options.withDescription("The port; 0 picks a free one. Default: UPLOADS_PORT, else 4141.")
  ),
  data: Options.text("data").pipe(
    Options.withPseudoName("FOLDER"),
    Options.optional,
    Options.withDescription("Where parts and database are kept. Default: UPLOADS_DATA_DIR, else ./uploads-data.")
  )
}

const packageName = "@effect-uploads/server"

/** The commands in a package.json. */
const Manifest = Schema.parseJson(
  Schema.Struct({ bin: Schema.Record({ key: Schema.String, value: Schema.String }) })
)

/** Looks for the server from the current folder, then beside this package. */
const resolve = (path: Path.Path): Option.Option<string> =>
  Option.firstSomeOf(
    [path.resolve("package.json"), import.meta.url].map((from) =>
      Option.liftThrowable(() => Module.createRequire(from).resolve(`${packageName}/package.json`))()
    )
  )

const findCommand = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const manifestPath = yield* resolve(path)
  const manifest = yield* Effect.flatMap(fs.readFileString(manifestPath), Schema.decodeUnknown(Manifest))
  const command = yield* Option.fromNullable(Object.values(manifest.bin)[0])
  return path.resolve(path.dirname(manifestPath), command)
}).pipe(Effect.mapError(() => new ServerNotInstalled()))

export const serve = Command.make(
  "serve",
  options,
  ({ data, host, port }) =>
    Effect.gen(function*() {
      const { runNode } = yield* Environment
      const command = yield* findCommand
      const variable = (name: string, value: Option.Option<string | number>) =>
        Option.match(value, { onNone: () => ({}), onSome: (value) => ({ [name]: String(value) }) })
      const code = yield* runNode(command, [], {
        ...variable("UPLOADS_HOST", host),
        ...variable("UPLOADS_PORT", port),
        ...variable("UPLOADS_DATA_DIR", data)
      })
      if (code !== 0) return yield* new ServerEnded({ code })
    })
).pipe(
  Command.withDescription(
    common.help(
      "Starts the durable server of @effect-uploads/server, where that is installed. It prints its URL. Every UPLOADS_… " +
        "variable of the server counts; Ctrl-C stops it.",
      [
        ["uploads serve", "Serves http://127.0.0.1:4141 from ./uploads-data."],
        ["uploads serve --port 8080 --data /var/lib/uploads", "Serves another port from another folder."],
        ["npx -p @effect-uploads/cli -p @effect-uploads/server uploads serve", "Serves without an installation."]
      ]
    )
  )
)
