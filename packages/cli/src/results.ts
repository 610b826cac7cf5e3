import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Output, printable } from "./Output.js"

/** A result as JSON in the form of the API, on one line. */
export const json = <A, I>(schema: Schema.Schema<A, I>, value: A) =>
  Effect.flatMap(Output, (output) =>
    Schema.encode(schema)(value).pipe(
      // A value that was decoded by the schema can be encoded by it.
      Effect.orDie,
      Effect.flatMap((encoded) => output.result(JSON.stringify(encoded)))
    ))

/** A result as a line of text. */
export const text = (line: string) => Effect.flatMap(Output, (output) => output.result(printable(line)))
