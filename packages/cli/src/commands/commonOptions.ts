import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import { Md5 } from "@effect-uploads/domain/Md5"
import * as Args from "@effect/cli/Args"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Span from "@effect/cli/HelpDoc/Span"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { unmark } from "../commandLine.js"
import { parseDuration, parseSize } from "../parse.js"

/*
 * The options and arguments that several commands have.
 */

export const json = Options.boolean("json").pipe(
  Options.withDescription("Print JSON, one value a line, in the form of the API.")
)

export const quiet = Options.boolean("quiet").pipe(
  Options.withAlias("q"),
  Options.withDescription("Print ids alone, and no progress.")
)

export const verbose = Options.boolean("verbose").pipe(
  Options.withAlias("v"),
  Options.withDescription("Print each call with its time and request id, and each retry.")
)

/** A value that `parse` accepts. `expected` describes such values in the error. */
export const parsed = <A>(
  self: Options.Options<string>,
  parse: (text: string) => Option.Option<A>,
  expected: string
): Options.Options<A> =>
  Options.mapEffect(self, (text) =>
    Option.match(parse(text), {
      onNone: () => Effect.fail(ValidationError.invalidValue(HelpDoc.p(`'${text}' is not ${expected}`))),
      onSome: Effect.succeed
    }))

export const size = (name: string) =>
  parsed(Options.text(name).pipe(Options.withPseudoName("SIZE")), parseSize, "a size such as 64MiB, 10MB or 1048576")

export const duration = (name: string) =>
  parsed(Options.text(name).pipe(Options.withPseudoName("TIME")), parseDuration, "a time such as 7d, 36h or 3600s")

export const md5 = parsed(
  Options.text("md5").pipe(Options.withPseudoName("HEX")),
  Schema.decodeOption(Md5),
  "an md5 checksum of 32 hexadecimal digits"
)

export const wholeNumber = (name: string, minimum: number, maximum: number) =>
  parsed(
    Options.text(name).pipe(Options.withPseudoName("N")),
    (text) =>
      Option.filter(
        Option.some(/^\d+$/.test(text) ? Number(text) : NaN),
        (value) => value >= minimum && value <= maximum
      ),
    `a whole number from ${minimum} to ${maximum}`
  )

/**
 * An argument. The parser takes an unknown option for one, so a text that begins with a hyphen is rejected here. The error
 * leaves out the value after `=`, because it may be a secret.
 */
export const argument = (name: string): Args.Args<string> =>
  Args.text({ name }).pipe(
    Args.map(unmark),
    Args.mapEffect((text) =>
      text.startsWith("-") && text !== "-"
        ? Effect.fail(HelpDoc.p(`Received unknown option: '${text.replace(/=.*$/s, "")}'`))
        : Effect.succeed(text)
    )
  )

export const uploadId: Args.Args<UploadId> = argument("UPLOAD").pipe(
  Args.withSchema(UploadId),
  Args.withDescription("The id of a pending Upload.")
)

export const partIds: Args.Args<ReadonlyArray<PartId>> = argument("PART").pipe(
  Args.withSchema(PartId),
  Args.atLeast(1),
  Args.withDescription("The ids of its parts, in the order of their bytes.")
)

export const fileId: Args.Args<FileId> = argument("FILE").pipe(
  Args.withSchema(FileId),
  Args.withDescription("The id of a File.")
)

export const purpose = Options.text("purpose").pipe(
  Options.withPseudoName("PURPOSE"),
  Options.withDefault("user_data"),
  Options.withDescription("What the File is for: assistants, batch, fine-tune, vision, user_data or evals.")
)

export const expiresAfter = duration("expires-after").pipe(
  Options.optional,
  Options.withDescription(
    "How long the File lives: 1h to 30d. By default it does not expire; one for batch does after 30d."
  )
)

export const mimeType = Options.text("mime-type").pipe(
  Options.withPseudoName("TYPE"),
  Options.optional,
  Options.withDescription("The MIME type. By default what the name means for the purpose.")
)

/** A description with examples: each is a command and its effect. */
export const help = (
  summary: string,
  examples: readonly [readonly [command: string, effect: string], ...ReadonlyArray<readonly [string, string]>]
): HelpDoc.HelpDoc => {
  const [first, ...rest] = examples
  const definition = ([command, effect]: readonly [string, string]): [Span.Span, HelpDoc.HelpDoc] => [
    Span.code(command),
    HelpDoc.p(effect)
  ]
  return HelpDoc.blocks([
    HelpDoc.p(summary),
    HelpDoc.h2("EXAMPLES"),
    HelpDoc.descriptionList([definition(first), ...rest.map(definition)])
  ])
}
