import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as commandLine from "./commandLine.js"
import { addPart } from "./commands/addPart.js"
import { cancel } from "./commands/cancel.js"
import { cleanup } from "./commands/cleanup.js"
import * as common from "./commands/commonOptions.js"
import { complete } from "./commands/complete.js"
import { create } from "./commands/create.js"
import { doctor } from "./commands/doctor.js"
import { files } from "./commands/files.js"
import { pending } from "./commands/pending.js"
import { put } from "./commands/put.js"
import { serve } from "./commands/serve.js"
import * as completions from "./completions.js"
import { describeError } from "./describeError.js"
import { ExitCode } from "./ExitCode.js"
import { Output } from "./Output.js"
import { logger } from "./verbosity.js"
import { version } from "./version.js"

/** The command with all its subcommands. */
export const uploads = Command.make("uploads").pipe(
  Command.withDescription(
    common.help("Files of any size to OpenAI's Uploads API and back, resumable, from a terminal or a script.", [
      ["uploads put training.jsonl --purpose fine-tune", "Sends a file, and prints the id of the File."],
      ["uploads doctor", "Checks the configuration, and the way to the service."]
    ])
  ),
  Command.withSubcommands([put, create, addPart, complete, cancel, files, pending, cleanup, serve, doctor])
)

const parse = Command.run(uploads, { name: "uploads", version })

const failure = ({ message, styles }: Output["Type"], text: string) => message(`${styles.red("uploads:")} ${text}`)

const fail = (text: string) => Effect.flatMap(Output, (output) => failure(output, text))

/** The parser says this about every option. It does not help a reader. */
const noise = /^ *A (user-defined piece of text|true or false value)\.\n\n/gm

/** Sends the text of the parser through `Output`, which removes colours for a file or a pipe. */
const withOutput = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const output = yield* Output
    const console = yield* Effect.console
    const lines = (write: (line: string) => Effect.Effect<void>) => (...args: ReadonlyArray<unknown>) =>
      write(completions.repair(args.map(String).join(" ").replace(noise, "")).trimEnd())
    return yield* effect.pipe(
      Effect.withConsole({ ...console, log: lines(output.result), error: lines((text) => failure(output, text)) }),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger(output))),
      Logger.withMinimumLogLevel(LogLevel.Warning)
    )
  })

/** Runs the command line `args`, and returns the exit code. Failures are reported on stderr. */
export const run = (args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    if (commandLine.hasKey(args)) {
      yield* fail("An API key does not belong on the command line, where others can read it. Set OPENAI_API_KEY.")
      return ExitCode.usage
    }
    return yield* parse(["node", "uploads", ...commandLine.normalize(args)]).pipe(
      Effect.as<ExitCode>(ExitCode.success),
      Effect.catchAllCause((cause) =>
        Either.match(Cause.failureOrCause(cause), {
          onLeft: (error) => {
            const { exitCode, sentence } = describeError(error)
            return Effect.as(Option.match(sentence, { onNone: () => Effect.void, onSome: fail }), exitCode)
          },
          onRight: (cause) =>
            Cause.isInterruptedOnly(cause)
              ? Effect.failCause(cause)
              : Effect.as(
                fail(`This is a defect of the program. Please report it: ${Cause.pretty(cause)}`),
                ExitCode.local
              )
        })
      )
    )
  }).pipe(withOutput, Effect.provide(CliConfig.layer({ isCaseSensitive: true, showBuiltIns: false })))
